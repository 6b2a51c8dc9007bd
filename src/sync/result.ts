import type { ErrorCode, Facts } from '../errors.js';

/** What a sync says of itself, as `sync --json` prints it. Sizes in bytes, times in milliseconds. */
export interface SyncResult {
  /** The sidecar's name. */
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  /** The commit that the sync started from, resolved in the workspace's own repository; null when it has no commit. */
  readonly base: { readonly ref: 'origin/HEAD' | 'HEAD'; readonly commit: string } | null;
  /** The git tree id, over raw bytes, that now stands in the workspace (in a dry run: that a sync would put there). */
  readonly tree: string;
  /** Whether the sidecar proved that `tree` stands in the workspace. False in a dry run only. */
  readonly verified: boolean;
  /** Nothing had to change in the workspace. False where a connection was lost on the way: then something may have. */
  readonly upToDate: boolean;
  /** Paths of the workspace that the landing changed. */
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
  /** Bytes of the pack that was sent (in a dry run: that a sync would send). */
  readonly sentBytes: number;
  readonly drift: Drift | null;
  /** Attempts it took to open the session. */
  readonly attempts: number;
  /** Whether an already open session was used. */
  readonly warm: boolean;
  readonly ms: {
    readonly total: number;
    readonly snapshot: number;
    readonly connect: number;
    readonly transfer: number;
    readonly apply: number;
  };
  /** Paths of the local working tree that cannot travel, escaped for display. Present only when there are any. */
  readonly skipped?: readonly { readonly path: string; readonly reason: string }[];
  /** Repositories of the sidecar's own in the workspace, not part of the tree, left as they are. Present only when there are any. */
  readonly leftAlone?: readonly string[];
  readonly dryRun?: true;
  /** Present where it was asked for. */
  readonly history?: LandedHistory;
  /** Why the history did not follow: the tree has landed all the same. */
  readonly historyError?: { readonly code: ErrorCode; readonly facts: Facts };
}

/** What the workspace's own repository is at now. */
export interface LandedHistory {
  readonly commit: string;
  /** As in `main`; null where HEAD is on no branch. */
  readonly branch: string | null;
  /** What nothing held over there any more, and is held by these refs of that repository now. */
  readonly kept: readonly KeptCommits[];
}

export interface KeptCommits {
  readonly ref: string;
  readonly commits: number;
}

/** What changed in the workspace since the last landing and did not come from here. Paths are escaped for display. */
export interface Drift {
  /** The name under which it is saved on the sidecar: `refs/sidecar/drift/<id>` of the shadow repository there. */
  readonly id: string | null;
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly deleted: readonly string[];
  readonly saved: boolean;
}
