import type { Emit } from '../events.js';
import type { LostSession, OpenSession, OpenSessionOptions } from './open.js';

/** Opens a session, or one that was lost again: see `openSession`. */
export type Open = (
  signal: AbortSignal,
  lost?: LostSession,
  options?: Pick<OpenSessionOptions, 'wake'>,
) => Promise<OpenSession>;

/** How somebody who needs a session would open it. */
export interface Way {
  /** Tells `emit` how it goes, and keeps to `deadlineMs`, which is what is left of the time. */
  readonly open: (emit: Emit, deadlineMs: number) => Promise<Open>;
  readonly emit: Emit;
  /** How long this one is ready to wait, in milliseconds. */
  readonly deadlineMs: number;
  /** Opens it while nobody is there to be asked or told anything. Without it a lost session stays lost until it is needed. */
  readonly reopen?: () => Promise<Open>;
}
