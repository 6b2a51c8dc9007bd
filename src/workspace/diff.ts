import type { SyncRequest } from '../sync/request.js';
import { withSnapshot } from '../sync/with-snapshot.js';
import type { Change } from './changes.js';
import { compare } from './compare.js';
import { fetchedPlace, fetchObjects, withFetched } from './fetched.js';
import { Patch } from './patch.js';

/** What a sync would change in a workspace. */
export interface Difference {
  readonly sidecar: string;
  readonly workspace: string;
  /** The git tree id of the local working tree, over raw bytes. */
  readonly tree: string;
  /** That of what stands in the workspace. */
  readonly stands: string;
  readonly patch: Patch;
}

/**
 * Fetches what stands in the workspace and is not known here, and hands what a sync would change there to `use`, after
 * the session. Throws what a dry `sync` throws, and `sync.bad_reply`.
 */
export async function diff<T>(request: SyncRequest, use: (difference: Difference) => Promise<T>): Promise<T> {
  const { sidecar, stateDir, emit } = request;
  return withFetched(stateDir, async (directory) => {
    const { result } = await withSnapshot(request, {
      subject: 'workspace',
      meet: async (within, meeting) => {
        const { stands, changes } = await compare(within, meeting);
        const { conversation, there, local } = meeting;
        const { workspace } = there;
        const place = await fetchedPlace(local.shadow, directory);
        await fetchObjects(conversation, { workspace, emit }, place, idsOf(changes));
        // The signal of the snapshot ends with it.
        const after = { ...place, signal: request.signal };
        return {
          sidecar,
          workspace,
          tree: local.snapshot.tree,
          stands,
          patch: await Patch.of(after, directory, changes),
        };
      },
    });
    return use(result);
  });
}

/** Every object on either side: those of this side are here, unless they were pruned. */
export function idsOf(changes: readonly Change[]): ReadonlySet<string> {
  return new Set(changes.flatMap(({ before, after }) => [before, after].flatMap((entry) => entry?.id ?? [])));
}
