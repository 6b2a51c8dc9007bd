import path from 'node:path';
import { SidecarError } from '../errors.js';
import { commitTree } from '../git/commit.js';
import { openShadow, shadowPath, type Shadow } from '../git/shadow.js';
import { takeSnapshot, type SnapshotOptions, type Taken } from '../git/snapshot.js';
import type { WorkingTree } from '../git/working-tree.js';
import { withLock } from '../files/lock.js';
import { makePrivateDirectory } from '../files/private-files.js';
import type { SyncRequest } from './request.js';

/** Another sync of this working tree may be reading a large change: that is no reason to fail. */
const snapshotWaitMs = 600_000;

/** What this side brings: a snapshot, in a shadow repository or on its way there. */
export interface Local extends Taken {
  readonly shadow: Shadow;
  /** The snapshot as a commit without parents. It has the same name on both sides; the next sync builds on it. */
  readonly landing: string;
  readonly snapshotMs: number;
}

type Preparing = Pick<SnapshotOptions, 'fresh' | 'forecast'> & {
  readonly onOpen?: ((shadow: Shadow) => void) | undefined;
};

/**
 * Takes the snapshot: of what changed since the last one, or `fresh`, of everything. With `forecast` it may be told before
 * it is stored. `onOpen` is called with the shadow before that.
 */
export async function prepare(
  request: SyncRequest,
  tree: WorkingTree,
  { fresh = false, forecast = false, onOpen }: Preparing = {},
): Promise<Local> {
  const startedMs = request.clock.now();
  request.emit({ kind: 'sync.phase', phase: 'snapshot' });
  const place = shadowPath(tree, request.stateDir);
  await makePrivateDirectory(path.dirname(place));
  return new Promise<Local>((resolve, reject) => {
    const take = async (): Promise<void> => {
      const shadow = await openShadow(tree, request);
      onOpen?.(shadow);
      try {
        const rules = await request.rules?.();
        const taken = await takeSnapshot(tree, shadow, { ...request, rules, fresh, forecast });
        const landing = await commitTree(shadow, taken.snapshot.tree, []);
        resolve({ ...taken, shadow, landing, stored, snapshotMs: request.clock.now() - startedMs });
        await taken.stored;
      } catch (error) {
        throw noRoom(shadow, error) ?? error;
      }
    };
    const stored = withLock(place, take, { waitMs: snapshotWaitMs, signal: request.signal });
    stored.catch(reject); // or, after that, for whoever waits for it
  });
}

/** git says so when the disk of the shadow is full, or closed for writing. */
function noRoom(shadow: Shadow, error: unknown): SidecarError | undefined {
  if (!(error instanceof SidecarError) || error.code !== 'git.failed') return undefined;
  const reason = String(error.facts['reason']);
  if (!/No space left|diskspace|quota exceeded|Read-only file system|unable to write/i.test(reason)) return undefined;
  return new SidecarError('state.unwritable', { path: shadow.gitDir, reason }, { cause: error, retryable: false });
}
