import type { Clock } from '../clock.js';
import { within } from '../retry/within.js';
import { TooSlow } from './check.js';

/** How long one step of an examination may take, in milliseconds: a machine that is dead is not waited for. */
export const stepMs = 10_000;

/** Waits for one step of an examination, and not for long. Throws `TooSlow`, and the signal's reason. */
export type Limit = <T>(work: Promise<T>) => Promise<T>;

export function stepLimit({ clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Limit {
  return (work) => within(work, { ms: stepMs, clock, signal, late: () => new TooSlow(stepMs) });
}
