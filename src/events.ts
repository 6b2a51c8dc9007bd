import type { SidecarError } from './errors.js';

/**
 * Everything that the library lets a caller observe. It emits data; `cmd/ui/` chooses the words. Times are
 * milliseconds, sizes are bytes.
 */
export type SidecarEvent =
  /** An attempt to open a session starts. `attempt` counts from 1. */
  | {
      readonly kind: 'connect.attempt';
      readonly attempt: number;
      readonly host: string;
      readonly port: number;
      /** Why the user's own ssh is used; absent where it is not. */
      readonly openssh?: string;
    }
  /** The user's own ssh wants something of the user, such as a touch of a security key, in its words. */
  | { readonly kind: 'connect.prompt'; readonly host: string; readonly text: string }
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
      /** Its name, where it is a host on the way to the sidecar. */
      readonly hop?: string;
      readonly keyType: string;
      readonly fingerprint: string;
      readonly source: 'first-use' | 'known_hosts';
    }
  /** Commands over there do without the agent of here: there is none, or the server does not take it. */
  | { readonly kind: 'agent.not_forwarded'; readonly host: string; readonly reason: 'none' | 'refused' }
  /** A path of the working tree cannot travel. `path` is for display: unprintable bytes are escaped. */
  /** `path` in the working tree, `file` on the disk. */
  | { readonly kind: 'snapshot.skipped'; readonly path: string; readonly file: string; readonly reason: SkipReason }
  /** Bytes of the pack handed to the transport so far. `done` on the last one. */
  | { readonly kind: 'sync.sending'; readonly bytes: number; readonly elapsedMs: number; readonly done: boolean }
  | { readonly kind: 'sync.phase'; readonly phase: SyncPhase }
  /** Another landing holds the workspace's lock; this one waits. Emitted once. */
  | { readonly kind: 'sync.waiting'; readonly holder: string }
  /** A repository of the sidecar's own stands in the workspace, is not part of the tree, and was left alone. */
  | { readonly kind: 'sync.left_alone'; readonly path: string }
  | ProviderEvent
  | WatchEvent
  | RunEvent
  | ForwardEvent;

/** Of a machine that is being made, or deleted. */
export type ProviderEvent =
  /** A line of the provider's, for the user. It may say anything, and is to be escaped. */
  | { readonly kind: 'provider.progress'; readonly name: string; readonly line: string }
  /** Nobody knows whether it was made: it stays on the list, and can be deleted. */
  | { readonly kind: 'provider.uncertain'; readonly name: string }
  /** It was deleted while its provider may not have known it yet, and did not until it should have: perhaps it was never made. */
  | { readonly kind: 'provider.unknown'; readonly name: string }
  /** It could not be ended and is on no list. Told where the signal was aborted: who aborts may hear of no other error. */
  | {
      readonly kind: 'provider.left_behind';
      readonly name: string;
      /** Absent where nobody has heard it. */
      readonly id?: string;
      readonly requestId: string;
      /** Its provider, and in which place of that. */
      readonly where: string;
      readonly reason: string;
    };

/** What goes on between the landings of a watch. Each `watch.landing` is followed by its end: landed, failed, asleep, or the watch's own. */
export type WatchEvent =
  /** Every change from now on lands. */
  | { readonly kind: 'watch.started'; readonly directory: string }
  /** File events are not to be had, or not to be relied on: the working tree is looked at again and again. */
  | { readonly kind: 'watch.polling'; readonly directory: string; readonly reason: string }
  /** git is changing the working tree, which `path` shows; its end is waited for. */
  | { readonly kind: 'watch.held'; readonly path: string }
  /** It was waited for in vain. */
  | { readonly kind: 'watch.stuck'; readonly path: string }
  | { readonly kind: 'watch.landing' }
  /** After a loss, its machine is stopped or in standby, and left alone until something changes that travels. */
  | { readonly kind: 'watch.asleep' }
  /** The landing failed in a way that may pass; it is tried again at the next change, and after `retryMs`. */
  | { readonly kind: 'watch.failed'; readonly error: SidecarError; readonly retryMs: number };

/** A command in the workspace that is run again and again. */
export type RunEvent =
  | { readonly kind: 'run.started'; readonly command: readonly string[] }
  | {
      readonly kind: 'run.ended';
      readonly command: readonly string[];
      readonly code: number;
      readonly elapsedMs: number;
    }
  /** A newer landing took the place of the one that it ran on. */
  | { readonly kind: 'run.stopped'; readonly command: readonly string[] }
  /** It could not be started, or nobody knows how it ended. It is not run again before the next landing. */
  | { readonly kind: 'run.failed'; readonly command: readonly string[]; readonly error: SidecarError };

/** Of forwarded ports. `listen` and `target` as they are written: `127.0.0.1:8080`. */
export type ForwardEvent =
  /** A connection came in, here or on the sidecar, and its target on the other side does not take it. Not again before one is taken. */
  | {
      readonly kind: 'forward.refused';
      readonly side: 'here' | 'there';
      readonly listen: string;
      readonly target: string;
      readonly reason: string;
    }
  /** After a reconnect, the sidecar does not listen yet. It is asked again for a while. */
  | { readonly kind: 'forward.waiting'; readonly listen: string }
  /**
   * After a loss, its machine is stopped or in standby, and left alone until something wakes it: where it `wakes`, a
   * connection to a port that is forwarded from here does.
   */
  | { readonly kind: 'forward.asleep'; readonly wakes: boolean };

export type SyncPhase = 'snapshot' | 'pack' | 'land' | 'compare' | 'history';

export type SkipReason = 'fifo' | 'socket' | 'device' | 'git-directory' | 'gitmodules-link' | 'unreadable-directory';

export type Emit = (event: SidecarEvent) => void;
