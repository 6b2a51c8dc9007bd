import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { gitAtWork, gitDirectory } from '../git/at-work.js';
import type { Environment } from '../git/environment.js';
import type { SendRules } from '../git/send-rules.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Change } from './change.js';
import type { Watcher } from './file-events.js';
import { beginning, due, dueMs, failed, judged, landed, told, type Pace, type Verdict } from './pace.js';
import { mayPass, pauseMs } from './passing.js';
import { startSources } from './sources.js';
import { weigh, type Weight } from './weigh.js';

export interface WatchRequest {
  readonly tree: WorkingTree;
  /** Where this program writes: what changes there is its own doing. */
  readonly stateDir: string;
  readonly env: Environment;
  /** What the settings say of what is sent: asked again and again. */
  readonly rules?: (() => Promise<SendRules>) | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Lands the working tree, unless that is not worth waking its machine. Called for one landing at a time. */
  readonly land: (signal: AbortSignal, options: { readonly wake: boolean }) => Promise<void>;
  /** Whether the working tree holds something that has not landed. */
  readonly look: (signal: AbortSignal) => Promise<boolean>;
  /** Gets the way to ask for a landing because the connection was lost. */
  readonly onReady?: (lost: () => void) => void;
  /** Default: @parcel/watcher. */
  readonly load?: () => Promise<Watcher>;
}

/**
 * Lands the working tree, and then every change of it, until the signal is aborted. Changes are told before the first
 * landing begins, so that none is lost between the two.
 *
 * Throws the signal's reason, or the error of a landing that waiting does not cure. Any other is emitted, and the landing
 * tried again: at the next change, and in between after growing pauses. A machine that sleeps after a loss is left alone
 * until something changes.
 */
export async function watch(request: WatchRequest): Promise<never> {
  const { tree, env, rules, clock, signal, emit, onReady } = request;
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const gitDir = await gitDirectory(tree, { env, signal });
  const watching = new Watching({ ...request, signal: both, gitDir });
  const sources = await startSources({
    ...{ tree, gitDir, env, rules, clock, emit, signal: both, stateDir: request.stateDir, load: request.load },
    tell: (change) => watching.tell(change),
    lookMs: () => watching.lookMs,
  });
  try {
    emit({ kind: 'watch.started', directory: tree.root });
    onReady?.(() => watching.tell({ kind: 'lost' }));
    return await watching.run();
  } finally {
    ended.abort();
    await sources.close();
  }
}

/** Obeys the pace: see there for what it does in which state. */
class Watching {
  /** How long the last look at the tree took. */
  lookMs = 0;
  readonly #request: WatchRequest & { readonly gitDir: string | undefined };
  #pace: Pace = beginning;
  #wake: () => void = () => undefined;
  /** git is being waited for, and that was said. */
  #held = false;
  /** What of git's work was waited for in vain: not again. */
  #stuck: string | undefined;
  #failures = 0;
  /** What a change weighs, asked while more may follow. */
  #weighed: { readonly change: Change; readonly weight: Promise<Weight> } | undefined;

  constructor(request: WatchRequest & { readonly gitDir: string | undefined }) {
    this.#request = request;
    request.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  tell(change: Change): void {
    this.#pace = told(this.#pace, change, this.#request.clock.now());
    this.#wake();
  }

  async run(): Promise<never> {
    const { clock, signal } = this.#request;
    for (;;) {
      signal.throwIfAborted();
      const pace = this.#pace;
      switch (pace.kind) {
        case 'idle':
          await this.#toldOr();
          break;
        case 'settling':
        case 'held':
        case 'failed': {
          if (pace.kind === 'settling') void this.#weigh(pace.change);
          const leftMs = (dueMs(pace) ?? 0) - clock.now();
          if (leftMs > 0) await this.#toldOr(leftMs);
          else this.#pace = due(pace);
          break;
        }
        case 'judging': {
          const verdict = await this.#judge(pace.change);
          this.#pace = judged(this.#pace, verdict, clock.now());
          break;
        }
        case 'landing':
          await this.#land(pace);
          break;
      }
    }
  }

  /** Resolves when a change is told, when the watch ends, and after `ms`. */
  async #toldOr(ms?: number): Promise<void> {
    const { clock } = this.#request;
    const over = new AbortController();
    const change = new Promise<void>((resolve) => (this.#wake = resolve));
    const time = clock.sleep(ms ?? longestSleepMs, over.signal);
    try {
      await Promise.race([change, time]);
    } finally {
      over.abort();
      time.catch(() => undefined);
    }
  }

  async #judge(change: Change): Promise<Verdict> {
    const { gitDir, emit, signal, look, clock } = this.#request;
    const work = gitDir === undefined ? undefined : await gitAtWork(gitDir);
    if (work !== undefined && work.id !== this.#stuck) {
      this.#weighed = undefined;
      if (!this.#held) emit({ kind: 'watch.held', path: work.path });
      this.#held = true;
      return { kind: 'git', work };
    }
    this.#held = false;
    try {
      const weight = await this.#weigh(change);
      this.#weighed = undefined;
      if (weight !== 'look') return { kind: weight };
      const startedMs = clock.now();
      const differs = await look(signal);
      this.lookMs = clock.now() - startedMs;
      return { kind: differs ? 'land' : 'nothing' };
    } catch (error) {
      signal.throwIfAborted();
      // The landing meets the same, and says so.
      if (error instanceof SidecarError) return { kind: 'land' };
      throw error;
    }
  }

  #weigh(change: Change): Promise<Weight> {
    if (this.#weighed?.change !== change) {
      const weight = weigh(change, this.#request);
      weight.catch(() => undefined); // met by whoever judges
      this.#weighed = { change, weight };
    }
    return this.#weighed.weight;
  }

  async #land(pace: Extract<Pace, { kind: 'landing' }>): Promise<void> {
    const { emit, signal, land, clock } = this.#request;
    if (pace.despite !== undefined) {
      this.#stuck = pace.despite.id;
      this.#held = false;
      emit({ kind: 'watch.stuck', path: pace.despite.path });
    }
    emit({ kind: 'watch.landing' });
    try {
      await land(signal, { wake: pace.change.kind !== 'lost' });
      this.#failures = 0;
      this.#pace = landed(this.#pace);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SidecarError)) throw error;
      if (pace.change.kind === 'lost' && error.code === 'provider.stopped') {
        this.#failures = 0;
        this.#pace = landed(this.#pace);
        emit({ kind: 'watch.asleep' });
        return;
      }
      if (!mayPass(error.code)) throw error;
      this.#failures += 1;
      const pause = pauseMs(this.#failures);
      this.#pace = failed(this.#pace, pause, clock.now());
      emit({ kind: 'watch.failed', error, retryMs: pause });
    }
  }
}

/** As long as a timer of Node's can be. */
const longestSleepMs = 2 ** 31 - 1;
