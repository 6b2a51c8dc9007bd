import type { Shadow } from '../git/shadow.js';
import { workingTreeOf } from '../git/working-tree.js';
import { exchange, type Work } from './exchange.js';
import { overSession, type Done } from './over-session.js';
import { prepare } from './prepare.js';
import type { SyncRequest } from './request.js';
import { workspacePath } from './workspace.js';

/**
 * Takes a snapshot of the working tree while the session opens and the far side is asked what stands there, and does the
 * work with both.
 *
 * Throws what `open` throws, the codes of snapshot.ts and hello.ts, and the signal's reason when it is aborted.
 */
export async function withSnapshot<T>(request: SyncRequest, work: Work<T>): Promise<Done<T>> {
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const within: SyncRequest = { ...request, signal };
  const tree = await workingTreeOf(request.directory, { env: request.env, signal });
  const workspace = workspacePath(tree.root, request.workdir);
  let onOpen: ((shadow: Shadow) => void) | undefined;
  const opening = new Promise<Shadow>((resolve) => (onOpen = resolve));
  const preparing = prepare(within, tree, { forecast: work.subject === 'sync' && request.dryRun !== true, onOpen });
  // Without a snapshot there is nothing to wait for.
  preparing.catch((error: unknown) => stop.abort(error));
  try {
    return await overSession(within, (session) =>
      exchange(within, { work, session, opening, preparing, tree, workspace }),
    );
  } finally {
    stop.abort();
    await preparing.then(({ stored }) => stored).catch(() => undefined);
  }
}
