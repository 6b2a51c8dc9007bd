import type { Clock } from '../../src/clock.js';

interface Sleeper {
  readonly wakeMs: number;
  wake(): void;
}

/** A clock on which time passes only when a test says so. */
export interface FakeClock extends Clock {
  /** Every sleep that was begun, in order, in milliseconds. */
  readonly sleeps: readonly number[];
  /** How many are asleep now: 0 once nothing is left behind. */
  readonly sleeping: number;
  /** Moves time on, waking each sleeper at its own time and letting what it does finish before the next one. */
  advance(ms: number): Promise<void>;
  /** Moves time on from wake to wake, as far as it takes, until `work` is settled. */
  until<T>(work: Promise<T>): Promise<T>;
}

export function fakeClock(): FakeClock {
  const sleeps: number[] = [];
  let nowMs = 0;
  let sleepers: Sleeper[] = [];
  let announceSleeper: () => void = () => undefined;

  const next = (): Sleeper | undefined => sleepers.reduce<Sleeper | undefined>(earlier, undefined);

  const wakeOne = async (sleeper: Sleeper): Promise<void> => {
    nowMs = sleeper.wakeMs;
    sleeper.wake();
    await settle();
  };

  return {
    sleeps,
    get sleeping() {
      return sleepers.length;
    },
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        sleeps.push(ms);
        const leave = (): void => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener('abort', onAbort);
        };
        const onAbort = (): void => {
          leave();
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          wakeMs: nowMs + ms,
          wake: () => {
            leave();
            resolve();
          },
        };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
        announceSleeper();
      }),
    advance: async (ms) => {
      await settle();
      const untilMs = nowMs + ms;
      for (let due = next(); due !== undefined && due.wakeMs <= untilMs; due = next()) await wakeOne(due);
      nowMs = untilMs;
    },
    until: async <T>(work: Promise<T>): Promise<T> => {
      const progress = { done: false };
      const finished = work.then(
        () => void (progress.done = true),
        () => void (progress.done = true),
      );
      for (;;) {
        const newSleeper = new Promise<void>((resolve) => (announceSleeper = resolve));
        await settle();
        if (progress.done) return work;
        const due = next();
        await (due === undefined ? Promise.race([finished, newSleeper]) : wakeOne(due));
      }
    },
  };
}

function earlier(first: Sleeper | undefined, second: Sleeper): Sleeper {
  return first !== undefined && first.wakeMs <= second.wakeMs ? first : second;
}

/**
 * Lets everything that is ready to run do so: promises, the zero-length timers of libraries, and what waits for files, which
 * takes no time on this clock however busy the disk is. A file that is never read, such as a pipe, is not waited for long.
 */
async function settle(): Promise<void> {
  for (let idle = 0, turn = 0; idle < 3 && turn < 1_000; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    idle = isReadingFiles() ? 0 : idle + 1;
  }
}

const isReadingFiles = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
