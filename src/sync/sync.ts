import { SidecarError } from '../errors.js';
import { findWorkingTree, type WorkingTree } from '../git/working-tree.js';
import { Conversation } from './conversation.js';
import { findCommon } from './have.js';
import { hello, type Hello } from './hello.js';
import { MissingObjects } from './land.js';
import { prepare, type Local } from './prepare.js';
import type { LostSession, OpenSession, SyncRequest } from './request.js';
import type { SyncResult } from './result.js';
import { transfer, type Outcome } from './transfer.js';
import { workspacePath } from './workspace.js';

/**
 * Lands the working tree on a sidecar, exactly, and has it proved.
 *
 * The snapshot is taken while the session opens and the far side is asked what stands there. A connection that is lost
 * on the way is opened anew, and the landing done again: it may be repeated at any point. A sync that was cut off for
 * good is finished by the next one.
 *
 * Throws what `open` throws, the codes of snapshot.ts, hello.ts and land.ts, and the signal's reason when it is aborted.
 */
export async function sync(request: SyncRequest): Promise<SyncResult> {
  const startedMs = request.clock.now();
  const stop = new AbortController();
  const within: SyncRequest = { ...request, signal: AbortSignal.any([request.signal, stop.signal]) };

  const { directory, env } = request;
  const { signal } = within;
  const tree = typeof directory === 'string' ? await findWorkingTree(directory, { env, signal }) : directory;
  const workspace = workspacePath(tree.root, request.workdir);
  const preparing = prepare(within, tree, false);
  // Without a snapshot there is nothing to wait for.
  preparing.catch((error: unknown) => stop.abort(error));
  try {
    for (let lost: LostSession | undefined; ;) {
      const session = await request.open(signal, lost);
      const { attempts, elapsedMs, warm = false } = session;
      try {
        const outcome = await exchange(within, { session, preparing, tree, workspace });
        const ms = { connect: Math.round(elapsedMs), total: Math.round(request.clock.now() - startedMs) };
        return { sidecar: request.sidecar, ...outcome, attempts, warm, ms: { ...outcome.ms, ...ms } };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof SidecarError) || error.retryable !== true) throw error;
        lost = { error, attempts, elapsedMs };
      } finally {
        await session.transport.close();
      }
    }
  } finally {
    stop.abort();
    await preparing.catch(() => undefined);
  }
}

/** A conversation that has begun, and what stands on the other side. */
interface Greeting {
  readonly conversation: Conversation;
  readonly there: Hello;
}

/**
 * Greeting, negotiation, pack, landing, on one session. Objects that either side borrowed may be gone, pruned by
 * somebody's own git: then the snapshot is built again and everything is sent, once.
 */
async function exchange(
  request: SyncRequest,
  parts: { session: OpenSession; preparing: Promise<Local>; tree: WorkingTree; workspace: string },
): Promise<Outcome> {
  const { session, preparing, tree, workspace } = parts;
  const greet = async (): Promise<Greeting> => {
    const conversation = await Conversation.start(session.transport, request.signal);
    return { conversation, there: await hello(conversation, { format: tree.format, workspace }) };
  };
  const attempt = async ({ conversation, there }: Greeting, local: Local, whole: boolean): Promise<Outcome> => {
    try {
      const common = await findCommon(tree, local.shadow, there, conversation);
      return await transfer(request, { conversation, there, common, local, tree, whole });
    } finally {
      await conversation.close();
    }
  };
  try {
    // Whichever fails first ends both.
    const [first, local] = await Promise.all([greet(), preparing]);
    return await attempt(first, local, false);
  } catch (error) {
    if (!(error instanceof MissingObjects)) throw error;
    request.signal.throwIfAborted();
  }
  const local = await prepare(request, tree, true);
  const second = await greet();
  return attempt(second, local, true).catch((error: unknown) => {
    if (!(error instanceof MissingObjects)) throw error;
    const facts = { workspace: second.there.workspace, reason: error.message };
    throw new SidecarError('sync.remote_failed', facts, { cause: error });
  });
}
