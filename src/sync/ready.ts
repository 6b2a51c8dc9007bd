import { workingTreeOf } from '../git/working-tree.js';
import { prepare } from './prepare.js';
import type { SyncRequest } from './request.js';
import { workspacePath } from './workspace.js';

/**
 * Gets ready for a sync while nobody waits for one: the snapshot is taken, so that the next one has only to look for what
 * changed, and the far half says hello. Throws what `open` and a snapshot throw.
 */
export async function getReady(request: SyncRequest): Promise<void> {
  const { directory, env, signal, open, workdir } = request;
  const tree = await workingTreeOf(directory, { env, signal });
  const { transport, spares } = await open(signal);
  try {
    const greeted = spares?.prepare({ format: tree.format, workspace: workspacePath(tree.root, workdir) });
    await prepare({ ...request, emit: () => undefined }, tree);
    await greeted;
  } finally {
    await transport.close();
  }
}
