import { randomBytes } from 'node:crypto';
import { SidecarError } from '../errors.js';
import type { Answer } from '../sync/answers.js';
import { overSession } from '../sync/over-session.js';
import { folded } from '../sync/remote-script.js';
import { shellWord } from '../transport/shell-word.js';
import { nonsense, shownCommand, timePattern } from './detached-list.js';
import { variableLines } from './execution-script.js';
import { isLoss, Refused, talkOn, type RunsPlace, type Talk } from './talk.js';
import { unlessAborted } from './unless-aborted.js';

export interface DetachedRequest {
  /** Word for word. */
  readonly command: readonly string[];
  /** More variables for it. They are shown to nobody, on neither side, and stand in no file. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface DetachedStart {
  readonly id: string;
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  readonly command: readonly string[];
  /** By the clock over there (ISO 8601). */
  readonly startedAt: string;
}

/** How long the far side may be asked after an abort, in milliseconds: a command that is interrupted ends soon after. */
const settleMs = 500;

/**
 * Begins a run that lives on without any connection, at most once. Its id is chosen here before: where the answer does not
 * come, the far side is asked whether it has begun, and if not, it never will. It is asked, too, where the signal is aborted
 * after the run was sent: one that has begun by then is returned as any other.
 *
 * Throws `run.no_workspace` and `run.not_started`, `run.uncertain` where the far side cannot be asked, what `open` throws and
 * the signal's reason as long as nothing was sent.
 */
export async function startDetached(place: RunsPlace, request: DetachedRequest): Promise<DetachedStart> {
  const id = randomBytes(4).toString('hex');
  const { signal: interrupted, clock } = place;
  // Ends it all: at once as long as nothing was sent.
  const leaving = new AbortController();
  const over = new AbortController();
  const within = { ...place, signal: leaving.signal };
  let sent = false;
  const leave = (): void => leaving.abort(interrupted.reason);
  const onAbort = (): void => {
    if (!sent) leave();
    else clock.sleep(settleMs, over.signal).then(leave, () => undefined);
  };
  interrupted.addEventListener('abort', onAbort, { once: true });
  if (interrupted.aborted) leave();

  const begin = async (talk: Talk): Promise<DetachedStart> => {
    const startedAt = sent
      ? await settle(talk, id)
      : await unlessAborted(
          send(talk, id, request, () => (sent = true)),
          interrupted,
        );
    return { id, sidecar: place.sidecar, workspace: talk.workspace, command: request.command, startedAt };
  };
  const isSettled = (error: unknown): boolean => !sent || error instanceof NotBegun;
  const beginning = overSession(within, async (session) => {
    try {
      return await talkOn(session, within, begin);
    } catch (error) {
      if (isSettled(error) || isLoss(error)) throw error;
      // It is the far half that ended, not the connection; or this side that waits no longer.
      return await talkOn(session, within, begin);
    }
  });
  try {
    const { result } = await unlessAborted(beginning, leaving.signal);
    return result;
  } catch (error) {
    if (isSettled(error)) throw error;
    const reason = interrupted.aborted ? 'it was interrupted before the answer came' : String(error);
    const facts = error instanceof SidecarError ? error.facts : { reason };
    throw new SidecarError('run.uncertain', { ...facts, run: id }, { cause: error, retryable: false });
  } finally {
    interrupted.removeEventListener('abort', onAbort);
    over.abort();
  }
}

/** It has not begun, and never will. */
class NotBegun extends SidecarError {}

async function send(
  talk: Talk,
  id: string,
  { command, variables }: DetachedRequest,
  onSend: () => void,
): Promise<string> {
  onSend();
  talk.ask(`start ${id} ${folded(command.map(shellWord).join(' '))}`);
  talk.ask(shownCommand(command));
  talk.ask(variableLines(variables).trimEnd());
  // What passes them on over there may wait for the end of them (busybox does).
  talk.end();
  const answer = await talk.answer().catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    const code = error.code === 'run.no_workspace' ? error.code : 'run.not_started';
    throw new NotBegun(code, error.facts, { cause: error, retryable: false });
  });
  return timeIn(answer);
}

async function settle(talk: Talk, id: string): Promise<string> {
  talk.ask(`settle ${id}`);
  const answer = await talk.answer();
  if (answer.word !== 'never') return timeIn(answer);
  const reason = 'the connection was lost before it could begin, and it never will';
  throw new NotBegun('run.not_started', { reason }, { retryable: false });
}

/** `begun TIME`. */
function timeIn(answer: Answer): string {
  if (answer.word !== 'begun' || !timePattern.test(answer.rest)) throw nonsense(answer);
  return answer.rest;
}
