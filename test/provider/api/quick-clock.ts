import { systemClock, type Clock } from '../../../src/clock.js';

/** A clock on which short waits are over at once. Longer ones are limits of work that goes over the network, and are real. */
export interface QuickClock extends Clock {
  readonly waits: readonly number[];
}

const longestWaitMs = 5_000;

export function quickClock({
  onWait = () => Promise.resolve(),
}: { onWait?: (ms: number) => Promise<void> } = {}): QuickClock {
  const waits: number[] = [];
  let passedMs = 0;
  return {
    waits,
    now: () => systemClock.now() + passedMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      if (ms > longestWaitMs) return systemClock.sleep(ms, signal);
      waits.push(ms);
      passedMs += ms;
      return onWait(ms);
    },
  };
}
