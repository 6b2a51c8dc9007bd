import type { Clock } from '../../src/clock.js';

interface Waiting {
  readonly dueMs: number;
  act(): void;
}

/** Does things later, one after the other: none before its time, and none before those that were put in before it. */
export class DelayLine {
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With 0 ms and nothing ahead of it, at once. */
  in(ms: number, act: () => void): void {
    if (ms === 0 && this.#waiting.length === 0) {
      act();
      return;
    }
    this.#waiting.push({ dueMs: this.#clock.now() + ms, act });
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      // A timer may be early by a fraction of a millisecond.
      for (let ms = first.dueMs - this.#clock.now(); ms > 0; ms = first.dueMs - this.#clock.now()) {
        await this.#clock.sleep(ms);
      }
      first.act();
      this.#waiting.shift();
    }
    this.#isRunning = false;
  }
}
