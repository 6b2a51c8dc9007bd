import type { SidecarError } from '../errors.js';
import type { Transport } from '../transport/transport.js';

/**
 * A sidecar's connection over its life. `sinceMs` is when it came to be so, by the clock.
 *
 *   idle ──attempt──▶ connecting ──opened──▶ open ──lost──▶ lost ──attempt──▶ connecting
 *    ▲                 │    ▲                 │ │            │
 *    │               failed └─attempt─ waiting│ └──unused────┴──▶ idle
 *    └──────gave-up────┴──────────────────┘   └──closed──▶ closed (from any state, for good)
 */
export type SessionState = { readonly sinceMs: number } & (
  | {
      readonly kind: 'idle';
      /** Why it could not be opened. */
      readonly error?: SidecarError;
    }
  | { readonly kind: 'connecting'; readonly attempt: number }
  /** Between two attempts. */
  | { readonly kind: 'waiting'; readonly attempt: number; readonly error: SidecarError }
  | {
      readonly kind: 'open';
      readonly transport: Transport;
      /** How many have it now. */
      readonly users: number;
      /** When the last one gave it back. */
      readonly usedMs: number;
    }
  /** The connection went without being closed here. */
  | { readonly kind: 'lost'; readonly error: SidecarError }
  | { readonly kind: 'closed' }
);

/** What happens to it. */
export type SessionStep =
  | { readonly kind: 'attempt'; readonly attempt: number }
  | { readonly kind: 'failed'; readonly attempt: number; readonly error: SidecarError }
  | { readonly kind: 'opened'; readonly transport: Transport }
  /** Nobody tries to open it any more. */
  | { readonly kind: 'gave-up'; readonly error?: SidecarError }
  | { readonly kind: 'borrowed' }
  | { readonly kind: 'returned'; readonly transport: Transport }
  | { readonly kind: 'lost'; readonly transport: Transport; readonly error: SidecarError }
  /** It was closed here, or by the server in good order. */
  | { readonly kind: 'unused'; readonly transport?: Transport }
  | { readonly kind: 'closed' };

/** The state after a step. A step that does not concern this state, such as the end of an earlier connection, changes nothing. */
export function after(state: SessionState, step: SessionStep, nowMs: number): SessionState {
  if (state.kind === 'closed') return state;
  const opening = state.kind === 'connecting' || state.kind === 'waiting';
  switch (step.kind) {
    case 'attempt':
      if (state.kind === 'open') return state;
      return { kind: 'connecting', attempt: step.attempt, sinceMs: opening ? state.sinceMs : nowMs };
    case 'failed':
      if (!opening) return state;
      return { kind: 'waiting', attempt: step.attempt, error: step.error, sinceMs: state.sinceMs };
    case 'opened':
      return { kind: 'open', transport: step.transport, users: 0, usedMs: nowMs, sinceMs: nowMs };
    case 'gave-up':
      if (!opening) return state;
      return { kind: 'idle', ...(step.error === undefined ? {} : { error: step.error }), sinceMs: nowMs };
    case 'borrowed':
      return state.kind === 'open' ? { ...state, users: state.users + 1 } : state;
    case 'returned':
      if (!isOn(state, step.transport)) return state;
      return { ...state, users: state.users - 1, usedMs: nowMs };
    case 'lost':
      return isOn(state, step.transport) ? { kind: 'lost', error: step.error, sinceMs: nowMs } : state;
    case 'unused':
      if (state.kind !== 'lost' && !(step.transport !== undefined && isOn(state, step.transport))) return state;
      return { kind: 'idle', sinceMs: nowMs };
    case 'closed':
      return { kind: 'closed', sinceMs: nowMs };
  }
}

type Open = Extract<SessionState, { kind: 'open' }>;

const isOn = (state: SessionState, transport: Transport): state is Open =>
  state.kind === 'open' && state.transport === transport;
