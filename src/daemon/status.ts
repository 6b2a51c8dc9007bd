import type { Session } from '../session/session.js';
import type { SessionState } from '../session/state.js';
import type { Build } from './build.js';

/** What the daemon says of itself. Times are ISO 8601, sizes bytes. */
export interface DaemonStatus {
  readonly pid: number;
  readonly build: Build;
  readonly startedAt: string;
  readonly socket: string;
  readonly log: string;
  readonly memoryBytes: number;
  /** What it is doing now, for clients and for the next one. */
  readonly requests: number;
  readonly sessions: readonly SessionStatus[];
}

export interface SessionStatus {
  readonly sidecar: string;
  readonly state: SessionState['kind'];
  readonly since: string;
  /** The last round trip measured, in milliseconds; null before there was one. */
  readonly rttMs: number | null;
  readonly syncs: number;
  readonly sentBytes: number;
  /** Why it is not open, where something went wrong. */
  readonly error?: { readonly code: string; readonly message: string };
}

export function sessionStatus(
  sidecar: string,
  { state, rttMs }: Session,
  parts: { readonly syncs: number; readonly sentBytes: number; readonly dateOf: (ms: number) => string },
): SessionStatus {
  const { syncs, sentBytes, dateOf } = parts;
  const error = 'error' in state ? state.error : undefined;
  return {
    ...{ sidecar, state: state.kind, since: dateOf(state.sinceMs) },
    rttMs: rttMs === undefined ? null : Math.round(rttMs * 10) / 10,
    ...{ syncs, sentBytes },
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
}
