import type { Clock } from '../clock.js';

/** How often to look at the time of day, and how far it may run ahead of our own, in milliseconds. */
const everyMs = 5_000;
const aheadMs = 5_000;

/**
 * Calls `onWake` when this machine, or this process, had stopped for a while, until the signal is aborted: the time of
 * day went on, and ours did not. A time of day that was set forward looks the same.
 */
export async function watchForSleep(options: {
  readonly clock: Clock;
  /** The time of day, in milliseconds. */
  readonly timeOfDay: () => number;
  readonly signal: AbortSignal;
  readonly onWake: () => void;
}): Promise<void> {
  const { clock, timeOfDay, signal, onWake } = options;
  for (;;) {
    const before = timeOfDay();
    try {
      await clock.sleep(everyMs, signal);
    } catch {
      return;
    }
    if (timeOfDay() - before > everyMs + aheadMs) onWake();
  }
}
