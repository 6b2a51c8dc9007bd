import { SidecarError } from '../errors.js';
import type { Shadow } from '../git/shadow.js';
import { workingTreeOf } from '../git/working-tree.js';
import { exchange } from './exchange.js';
import { prepare } from './prepare.js';
import type { LostSession, SyncRequest } from './request.js';
import type { SyncResult } from './result.js';
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
  const tree = await workingTreeOf(directory, { env, signal });
  const workspace = workspacePath(tree.root, request.workdir);
  let onOpen: ((shadow: Shadow) => void) | undefined;
  const opening = new Promise<Shadow>((resolve) => (onOpen = resolve));
  const preparing = prepare(within, tree, { forecast: request.dryRun !== true, onOpen });
  // Without a snapshot there is nothing to wait for.
  preparing.catch((error: unknown) => stop.abort(error));
  try {
    for (let lost: LostSession | undefined; ;) {
      const session = await request.open(signal, lost);
      const { attempts, elapsedMs, warm = false } = session;
      try {
        const outcome = await exchange(within, { session, opening, preparing, tree, workspace });
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
    await preparing.then(({ stored }) => stored).catch(() => undefined);
  }
}
