import path from 'node:path';
import { SidecarError } from '../errors.js';
import { commitTree } from '../git/commit.js';
import { openShadow, shadowPath, type Shadow } from '../git/shadow.js';
import { takeSnapshot, type Snapshot } from '../git/snapshot.js';
import type { WorkingTree } from '../git/working-tree.js';
import { withLock } from '../files/lock.js';
import { makePrivateDirectory } from '../files/private-files.js';
import type { SyncRequest } from './request.js';

/** Another sync of this working tree may be reading a large change: that is no reason to fail. */
const snapshotWaitMs = 600_000;

/** What this side brings: a snapshot, in a shadow repository. */
export interface Local {
  readonly shadow: Shadow;
  readonly snapshot: Snapshot;
  /** The snapshot as a commit without parents. It has the same name on both sides; the next sync builds on it. */
  readonly landing: string;
  readonly snapshotMs: number;
}

/** Takes the snapshot, of what changed since the last one, or `fresh`: of everything. */
export async function prepare(request: SyncRequest, tree: WorkingTree, fresh: boolean): Promise<Local> {
  const startedMs = request.clock.now();
  request.emit({ kind: 'sync.phase', phase: 'snapshot' });
  const place = shadowPath(tree, request.stateDir);
  await makePrivateDirectory(path.dirname(place));
  const take = async (): Promise<Omit<Local, 'snapshotMs'>> => {
    const shadow = await openShadow(tree, request);
    try {
      const snapshot = await takeSnapshot(tree, shadow, { ...request, fresh });
      return { shadow, snapshot, landing: await commitTree(shadow, snapshot.tree, []) };
    } catch (error) {
      throw noRoom(shadow, error) ?? error;
    }
  };
  const taken = await withLock(place, take, { waitMs: snapshotWaitMs, signal: request.signal });
  return { ...taken, snapshotMs: request.clock.now() - startedMs };
}

/** git says so when the disk of the shadow is full, or closed for writing. */
function noRoom(shadow: Shadow, error: unknown): SidecarError | undefined {
  if (!(error instanceof SidecarError) || error.code !== 'git.failed') return undefined;
  const reason = String(error.facts['reason']);
  if (!/No space left|diskspace|quota exceeded|Read-only file system|unable to write/i.test(reason)) return undefined;
  return new SidecarError('state.unwritable', { path: shadow.gitDir, reason }, { cause: error, retryable: false });
}
