import { SidecarError } from '../errors.js';
import type { Shadow } from '../git/shadow.js';
import type { WorkingTree } from '../git/working-tree.js';
import { sendAhead, type SentAhead } from './ahead.js';
import { greet, type Asked, type Greeting } from './greeting.js';
import { findCommon } from './have.js';
import { Stale } from './hello.js';
import { prepare, type Local } from './prepare.js';
import type { OpenSession, SyncRequest } from './request.js';
import type { Subject } from './remote-script.js';
import type { Meeting } from './transfer.js';
import { MissingObjects } from './with-pack.js';

/** What is done with a snapshot where both sides have met. It may be done again, with everything sent. */
export interface Work<T> {
  readonly subject: Subject;
  readonly meet: (request: SyncRequest, meeting: Meeting) => Promise<T>;
}

interface Parts<T> {
  readonly work: Work<T>;
  readonly session: OpenSession;
  readonly tree: WorkingTree;
  /** Settles no later than `preparing`, or not at all where that fails: then the request's signal is aborted. */
  readonly opening: Promise<Shadow>;
  readonly preparing: Promise<Local>;
  /** As `workspacePath` gives it. */
  readonly workspace: string;
}

/**
 * Greeting, negotiation and the work, on one session: a sync goes over a conversation that has been greeted ahead of
 * time, if one waits. Objects that either side borrowed may be gone, pruned by somebody's own git: then the snapshot is
 * built again and everything is sent, once.
 */
export async function exchange<T>(request: SyncRequest, parts: Parts<T>): Promise<T> {
  const { session, tree, workspace, work } = parts;
  const asked: Asked = { format: tree.format, workspace };
  const spares = work.subject === 'sync' ? session.spares : undefined;
  const spare = spares?.take(asked);
  const outcome = await (async () => {
    try {
      const done = spare === undefined ? undefined : await overSpare(request, parts, spare);
      return done === undefined ? await overNew(request, parts, asked) : done.outcome;
    } catch (error) {
      if (!(error instanceof MissingObjects)) throw error;
      request.signal.throwIfAborted();
      return everything(request, parts, asked);
    }
  })();
  void spares?.prepare(asked);
  return outcome;
}

/**
 * The far half begins at once, while the snapshot is still being taken. What it said in its hello may be so no longer, or
 * it may have ended unheard: then there is no outcome, and another has to be greeted.
 */
async function overSpare<T>(
  request: SyncRequest,
  parts: Parts<T>,
  spare: Greeting,
): Promise<{ readonly outcome: T } | undefined> {
  const { conversation } = spare;
  const heardBefore = conversation.heard;
  conversation.endWith(request.signal);
  conversation.ask('begin');
  try {
    return { outcome: await attempt(request, parts, { ...spare, local: await parts.preparing, whole: false }) };
  } catch (error) {
    request.signal.throwIfAborted();
    const unheard = conversation.heard === heardBefore && !(error instanceof MissingObjects);
    if (unheard || error instanceof Stale) return undefined;
    throw error;
  } finally {
    await conversation.close();
  }
}

async function overNew<T>(request: SyncRequest, parts: Parts<T>, asked: Asked): Promise<T> {
  const greeting = await greetNow(request, parts, asked);
  try {
    // Whichever fails first ends both.
    const [ahead, local] = await Promise.all([
      parts.work.subject === 'sync' ? sendAhead(request, { ...parts, ...greeting, shadow: parts.opening }) : undefined,
      parts.preparing,
    ]);
    return await attempt(request, parts, { ...greeting, local, ahead, whole: false });
  } finally {
    await greeting.conversation.close();
  }
}

async function everything<T>(request: SyncRequest, parts: Parts<T>, asked: Asked): Promise<T> {
  const local = await prepare(request, parts.tree, { fresh: true });
  const greeting = await greetNow(request, parts, asked);
  try {
    return await attempt(request, parts, { ...greeting, local, whole: true });
  } catch (error) {
    if (!(error instanceof MissingObjects)) throw error;
    const facts = { workspace: greeting.there.workspace, reason: error.message };
    throw new SidecarError('sync.remote_failed', facts, { cause: error });
  } finally {
    await greeting.conversation.close();
  }
}

const greetNow = <T>({ signal, clock }: SyncRequest, { session, work }: Parts<T>, asked: Asked): Promise<Greeting> =>
  greet(session.transport, asked, { signal, clock, syncing: true, subject: work.subject });

async function attempt<T>(
  request: SyncRequest,
  { tree, work }: Parts<T>,
  {
    conversation,
    there,
    local,
    ahead,
    whole,
  }: Greeting & { readonly local: Local; readonly ahead?: SentAhead | undefined; readonly whole: boolean },
): Promise<T> {
  const common = ahead?.common ?? (await findCommon(tree, local.shadow, there, conversation, request.sidecar));
  return work.meet(request, { conversation, there, common, local, ahead, tree, whole });
}
