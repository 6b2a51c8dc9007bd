import type { SyncRequest } from '../sync/request.js';
import type { SyncResult } from '../sync/result.js';
import { withSnapshot } from '../sync/with-snapshot.js';
import { pathsOf, type Paths } from './changes.js';
import { compare } from './compare.js';
import type { Receipt } from './receipt.js';

/** How a workspace stands to the local working tree. Paths are escaped for display. */
export interface WorkspaceStatus {
  /** The sidecar's name. */
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  /** Whether the workspace holds exactly the local working tree. */
  readonly inStep: boolean;
  /** The git tree id of the local working tree, over raw bytes. */
  readonly tree: string;
  /** That of what stands in the workspace. */
  readonly stands: string;
  /** What a sync would add, modify and delete there. */
  readonly changes: Paths;
  /** What changed there since the last landing and did not come from here: a sync would save and overwrite it. */
  readonly drift: Paths | null;
  /** Whether a sync would take the directory for its own, without `--adopt`. */
  readonly ours: boolean;
  readonly landed: Receipt | null;
  readonly base: SyncResult['base'];
  /** Paths of the local working tree that cannot travel. Present only when there are any. */
  readonly skipped?: SyncResult['skipped'];
  /** Repositories of the sidecar's own in the workspace. Present only when there are any. */
  readonly leftAlone?: readonly string[];
}

/** Compares the workspace with the working tree, and writes nothing there. Throws what a dry `sync` throws. */
export async function status(request: SyncRequest): Promise<WorkspaceStatus> {
  const { result } = await withSnapshot(request, {
    subject: 'workspace',
    meet: async (within, meeting) => {
      const { landing, stands, changes, ours, receipt } = await compare(within, meeting);
      const { there, local } = meeting;
      const { skipped, tree } = local.snapshot;
      const { drift, leftAlone } = landing;
      return {
        workspace: there.workspace,
        inStep: stands === tree,
        ...{ tree, stands, changes: pathsOf(changes) },
        // In a directory of somebody else's nothing drifted: all of it is something else.
        drift: drift === null || !ours ? null : onlyPaths(drift),
        ...{ ours, landed: receipt, base: there.base },
        ...(skipped.length > 0 ? { skipped } : {}),
        ...(leftAlone.length > 0 ? { leftAlone } : {}),
      };
    },
  });
  return { sidecar: request.sidecar, ...result };
}

const onlyPaths = ({ added, modified, deleted }: Paths): Paths => ({ added, modified, deleted });
