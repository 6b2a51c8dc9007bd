import type { Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import { asSidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { startRun, type Place, type Run } from './start.js';

/** Takes what a command prints, byte for byte. Resolves when there is room for more. */
export type PassOn = (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void>;

export interface LatestRunOptions {
  readonly command: readonly string[];
  /** More variables for it. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly passOn: PassOn;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/**
 * A command of which one run at most goes on: that on the latest landing.
 *
 *   none ──start──▶ running ──▶ none
 *                     │  ▲ start: the one before is stopped first
 *                     └──┘
 */
export class LatestRun {
  readonly #options: LatestRunOptions;
  #current: Followed | undefined;
  /** Nobody is told any more what becomes of a run. */
  #closed = false;

  constructor(options: LatestRunOptions) {
    this.#options = options;
  }

  /** Stops the run that goes on, and starts another. False where none could be started: why is emitted, as all else. */
  async start(place: Place): Promise<boolean> {
    const { command, variables = {}, signal, emit } = this.#options;
    await this.stop();
    try {
      const run = await startRun(place, { command, variables }, this.#options);
      emit({ kind: 'run.started', command });
      const current = { run, stale: false };
      this.#current = current;
      void this.#follow(current);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(error);
      return false;
    }
  }

  /** Stops the run that goes on, for good and without a word. */
  close(): Promise<void> {
    this.#closed = true;
    return this.stop();
  }

  /** Ends the run that goes on, if one does, and resolves once it is gone. */
  async stop(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    current.stale = true;
    await current.run.stop();
  }

  /** Never throws. */
  async #follow(current: Followed): Promise<void> {
    const { command, clock, signal, emit } = this.#options;
    const isOver = (): boolean => signal.aborted || this.#closed;
    const { run } = current;
    const startedMs = clock.now();
    try {
      await Promise.all([this.#passOn('stdout', run.stdout), this.#passOn('stderr', run.stderr)]);
      const code = await run.ended;
      if (!current.stale) emit({ kind: 'run.ended', command, code, elapsedMs: Math.round(clock.now() - startedMs) });
    } catch (error) {
      if (!current.stale && !isOver()) this.#tellFailure(error);
    }
    if (current.stale && !isOver()) emit({ kind: 'run.stopped', command });
    if (this.#current === current) this.#current = undefined;
  }

  async #passOn(name: 'stdout' | 'stderr', stream: Readable): Promise<void> {
    for await (const chunk of stream) await this.#options.passOn(name, chunk as Buffer);
  }

  #tellFailure(cause: unknown): void {
    const { command, emit } = this.#options;
    emit({ kind: 'run.failed', command, error: asSidecarError(cause) });
  }
}

/** A run whose output is passed on. What it prints when it is stale already is still its own. */
interface Followed {
  readonly run: Run;
  stale: boolean;
}
