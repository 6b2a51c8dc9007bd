import { SidecarError } from '../errors.js';
import type { Clock } from '../clock.js';
import type { Answer } from '../sync/answers.js';
import { Conversation } from '../sync/conversation.js';
import { badReply, words } from '../sync/hello.js';
import { pathLimit } from '../sync/limits.js';
import type { LostSession } from '../sync/request.js';
import type { Transport } from '../transport/transport.js';
import { afterAnother } from './after-another.js';

/** A session on which runs are asked about. */
export interface RunsSession {
  readonly transport: Pick<Transport, 'exec' | 'close'>;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** Where the runs are, and the way there. */
export interface RunsPlace {
  /** The sidecar's name. */
  readonly sidecar: string;
  /** As `workspacePath` gives it. */
  readonly workspace: string;
  readonly open: (signal: AbortSignal, lost?: LostSession) => Promise<RunsSession>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The far half has said itself why it does not do what was asked: it has not, and will not. */
export class Refused extends SidecarError {}

/** A conversation about the runs in one workspace: see src/sync/remote/runs. */
export class Talk {
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  private readonly conversation: Conversation;

  private constructor(conversation: Conversation, workspace: string) {
    this.conversation = conversation;
    this.workspace = workspace;
  }

  /** Throws `ssh.connection_lost`, `ssh.channel_refused` and `run.remote_failed`. */
  static async begin({ transport }: RunsSession, { workspace, clock, signal }: RunsPlace): Promise<Talk> {
    const start = (): Promise<Conversation> => Conversation.start(transport, signal, clock, 'runs');
    const conversation = await afterAnother(start, { clock, signal });
    try {
      conversation.ask(`at ${workspace}`);
      const { word, rest } = checked(await conversation.answer(), workspace);
      if (word !== 'workspace' || !rest.startsWith('/') || rest.length > pathLimit) throw badReply('no workspace');
      return new Talk(conversation, Buffer.from(rest, 'latin1').toString('utf8'));
    } catch (error) {
      await conversation.close();
      throw asRunError(error);
    }
  }

  /** Sends one request, or a line of one. */
  ask(request: string): void {
    this.conversation.ask(request);
  }

  /** Asks no more. */
  end(): void {
    this.conversation.end();
  }

  /** The next answer. Throws what the far half says that went wrong, `run.remote_failed` and `ssh.connection_lost`. */
  async answer(): Promise<Answer> {
    try {
      return checked(await this.conversation.answer(), this.workspace);
    } catch (error) {
      throw asRunError(error);
    }
  }

  /** The bytes that follow an answer which announced so many. To be read to their end before the next answer. */
  async *bytes(length: number): AsyncGenerator<Buffer, void> {
    try {
      yield* this.conversation.bytes(length);
    } catch (error) {
      throw asRunError(error);
    }
  }

  close(): Promise<void> {
    return this.conversation.close();
  }
}

/** Talks about runs on a session. */
export async function talkOn<T>(session: RunsSession, place: RunsPlace, work: (talk: Talk) => Promise<T>): Promise<T> {
  const talk = await Talk.begin(session, place);
  try {
    return await work(talk);
  } finally {
    await talk.close();
  }
}

/** Whether another session may do what was lost with this one. */
export function isLoss(error: unknown): error is SidecarError {
  return error instanceof SidecarError && error.code === 'ssh.connection_lost' && error.retryable !== false;
}

/** Whether the far half ended without a last word: it was killed, say. The connection may stand. */
export function isWithoutWord(error: unknown): error is SidecarError {
  return error instanceof SidecarError && error.code === 'run.remote_failed' && 'ending' in error.facts;
}

function checked(answer: Answer, workspace: string): Answer {
  if (answer.word !== 'error') return answer;
  const [code = '', ...more] = answer.rest.split(' ');
  const reason = words(more.join(' '));
  switch (code) {
    case 'missing':
      throw new Refused('run.no_workspace', { workspace });
    case 'closed':
      throw new Refused('run.no_workspace', { workspace, reason: 'cannot be entered' });
    case 'not-directory':
      throw new Refused('run.no_workspace', { workspace, reason: 'is not a directory' });
    case 'never':
      throw new Refused('run.not_started', { reason }, { retryable: false });
    case 'gone':
      throw new Refused('run.remote_failed', { reason: `run ${reason} is no longer there` });
    default:
      throw new Refused('run.remote_failed', { reason });
  }
}

/** Of a conversation, whatever it was about. */
function asRunError(error: unknown): unknown {
  if (!(error instanceof SidecarError)) return error;
  if (error.code === 'sync.remote_failed' || error.code === 'sync.bad_reply') {
    return new SidecarError('run.remote_failed', error.facts, { cause: error, retryable: false });
  }
  // Reading is never done twice, nor is a beginning: what is lost may be asked for again.
  return isLoss(error) ? new SidecarError(error.code, error.facts, { cause: error, retryable: true }) : error;
}
