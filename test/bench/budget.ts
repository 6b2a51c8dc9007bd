import { systemClock, type Clock } from '../../src/clock.js';

/** Says what can still be begun so that it ends in time, going by how long the same took before. */
export class Budget {
  readonly #budgetMs: number;
  readonly #clock: Clock;
  readonly #longestMs = new Map<string, number>();
  #running: { readonly task: string; readonly beganMs: number } | undefined;

  /** The time is counted from the start of the process (of the clock, that is). */
  constructor(budgetMs: number, clock: Clock = systemClock) {
    this.#budgetMs = budgetMs;
    this.#clock = clock;
  }

  /** Whether there is time for the task; if so, it begins now. Of one that was never done, only the beginning must fit. */
  allows(task: string): boolean {
    this.pause();
    const beganMs = this.#clock.now();
    if (beganMs + (this.#longestMs.get(task) ?? 0) > this.#budgetMs) return false;
    this.#running = { task, beganMs };
    return true;
  }

  /** What was begun last has ended. */
  pause(): void {
    if (this.#running === undefined) return;
    const { task, beganMs } = this.#running;
    const tookMs = this.#clock.now() - beganMs;
    this.#longestMs.set(task, Math.max(this.#longestMs.get(task) ?? 0, tookMs));
    this.#running = undefined;
  }
}
