import type { SidecarError } from './errors.js';

/**
 * Everything that the library lets a caller observe. It emits data; `cmd/ui/` chooses the words. Times are
 * milliseconds, sizes are bytes.
 */
export type SidecarEvent =
  /** An attempt to open a session starts. `attempt` counts from 1. */
  | { readonly kind: 'connect.attempt'; readonly attempt: number; readonly host: string; readonly port: number }
  /** An attempt failed in a way that may be retried. */
  | { readonly kind: 'connect.failed'; readonly attempt: number; readonly error: SidecarError }
  /** The first retry is about to be waited for: emitted once at most, and never when no wait follows. */
  | {
      readonly kind: 'connect.waiting';
      readonly host: string;
      readonly error: SidecarError;
      readonly delayMs: number;
      /** How long the whole connect may take, from its start. */
      readonly deadlineMs: number;
    }
  /** The connection was lost in the middle of work that can be done again; it is about to be opened anew. */
  | {
      readonly kind: 'connect.lost';
      readonly error: SidecarError;
      readonly delayMs: number;
      /** How much of the time for connecting is left. */
      readonly remainingMs: number;
    }
  | { readonly kind: 'connect.open'; readonly host: string; readonly attempts: number; readonly elapsedMs: number }
  /** A host key was accepted without having been known before, or taken from the user's known_hosts, and is now pinned. */
  | {
      readonly kind: 'hostkey.pinned';
      readonly host: string;
      readonly keyType: string;
      readonly fingerprint: string;
      readonly source: 'first-use' | 'known_hosts';
    }
  /** A path of the working tree cannot travel. `path` is for display: unprintable bytes are escaped. */
  | { readonly kind: 'snapshot.skipped'; readonly path: string; readonly reason: SkipReason }
  /** Bytes of the pack handed to the transport so far. `done` on the last one. */
  | { readonly kind: 'sync.sending'; readonly bytes: number; readonly elapsedMs: number; readonly done: boolean }
  | { readonly kind: 'sync.phase'; readonly phase: SyncPhase }
  /** Another landing holds the workspace's lock; this one waits. Emitted once. */
  | { readonly kind: 'sync.waiting'; readonly holder: string }
  /** A repository of the sidecar's own stands in the workspace, is not part of the tree, and was left alone. */
  | { readonly kind: 'sync.left_alone'; readonly path: string };

export type SyncPhase = 'snapshot' | 'pack' | 'land';

export type SkipReason = 'fifo' | 'socket' | 'device' | 'git-directory' | 'gitmodules-link' | 'unreadable-directory';

export type Emit = (event: SidecarEvent) => void;
