/**
 * The time limit of one attempt to connect. It stands still while `paused`: what a person takes to type a passphrase,
 * or to touch a security key, is not the network's slowness.
 */
export class AttemptTimer {
  readonly #expired = new AbortController();
  #leftMs: number;
  #running: { readonly timer: NodeJS.Timeout; readonly sinceMs: number } | undefined;

  constructor(readonly limitMs: number) {
    this.#leftMs = limitMs;
    this.resume();
  }

  /** Aborted when the time is up. */
  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  pause(): void {
    if (this.#running === undefined) return;
    clearTimeout(this.#running.timer);
    this.#leftMs -= performance.now() - this.#running.sinceMs;
    this.#running = undefined;
  }

  resume(): void {
    if (this.#running !== undefined) return;
    const timer = setTimeout(() => this.#expired.abort(), Math.max(0, this.#leftMs));
    this.#running = { timer, sinceMs: performance.now() };
  }
}
