import { SidecarError } from '../errors.js';
import type { Shadow } from '../git/shadow.js';
import type { WorkingTree } from '../git/working-tree.js';
import { sendAhead, type SentAhead } from './ahead.js';
import { greet, type Asked, type Greeting } from './greeting.js';
import { findCommon } from './have.js';
import { Stale } from './hello.js';
import { prepare, type Local } from './prepare.js';
import type { OpenSession, SyncRequest } from './request.js';
import { transfer, type Outcome } from './transfer.js';
import { MissingObjects } from './with-pack.js';

interface Parts {
  readonly session: OpenSession;
  readonly tree: WorkingTree;
  /** Settles no later than `preparing`, or not at all where that fails: then the request's signal is aborted. */
  readonly opening: Promise<Shadow>;
  readonly preparing: Promise<Local>;
  /** As `workspacePath` gives it. */
  readonly workspace: string;
}

/**
 * Greeting, negotiation, pack, landing, on one session: over a conversation that has been greeted ahead of time, if one
 * waits. Objects that either side borrowed may be gone, pruned by somebody's own git: then the snapshot is built again
 * and everything is sent, once.
 */
export async function exchange(request: SyncRequest, parts: Parts): Promise<Outcome> {
  const { session, tree, workspace } = parts;
  const asked: Asked = { format: tree.format, workspace };
  const spare = session.spares?.take(asked);
  const outcome = await (async () => {
    try {
      const landed = spare === undefined ? undefined : await overSpare(request, parts, spare);
      return landed ?? (await overNew(request, parts, asked));
    } catch (error) {
      if (!(error instanceof MissingObjects)) throw error;
      request.signal.throwIfAborted();
      return everything(request, parts, asked);
    }
  })();
  void session.spares?.prepare(asked);
  return outcome;
}

/**
 * The far half begins at once, while the snapshot is still being taken. What it said in its hello may be so no longer, or
 * it may have ended unheard: then there is no outcome, and another has to be greeted.
 */
async function overSpare(request: SyncRequest, parts: Parts, spare: Greeting): Promise<Outcome | undefined> {
  const { conversation } = spare;
  const heardBefore = conversation.heard;
  conversation.endWith(request.signal);
  conversation.ask('begin');
  try {
    return await attempt(request, parts, { ...spare, local: await parts.preparing, whole: false });
  } catch (error) {
    request.signal.throwIfAborted();
    const unheard = conversation.heard === heardBefore && !(error instanceof MissingObjects);
    if (unheard || error instanceof Stale) return undefined;
    throw error;
  } finally {
    await conversation.close();
  }
}

async function overNew(request: SyncRequest, parts: Parts, asked: Asked): Promise<Outcome> {
  const greeting = await greetNow(request, parts, asked);
  try {
    // Whichever fails first ends both.
    const [ahead, local] = await Promise.all([
      sendAhead(request, { ...parts, ...greeting, shadow: parts.opening }),
      parts.preparing,
    ]);
    return await attempt(request, parts, { ...greeting, local, ahead, whole: false });
  } finally {
    await greeting.conversation.close();
  }
}

async function everything(request: SyncRequest, parts: Parts, asked: Asked): Promise<Outcome> {
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

const greetNow = ({ signal, clock }: SyncRequest, { session }: Parts, asked: Asked): Promise<Greeting> =>
  greet(session.transport, asked, { signal, clock, syncing: true });

async function attempt(
  request: SyncRequest,
  { tree }: Parts,
  {
    conversation,
    there,
    local,
    ahead,
    whole,
  }: Greeting & { readonly local: Local; readonly ahead?: SentAhead | undefined; readonly whole: boolean },
): Promise<Outcome> {
  const common = ahead?.common ?? (await findCommon(tree, local.shadow, there, conversation, request.sidecar));
  return transfer(request, { conversation, there, common, local, ahead, tree, whole });
}
