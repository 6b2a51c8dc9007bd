import type { Capabilities } from '../provider.js';
import type { Remains } from './asked.js';
import { Bench, type BenchOptions } from './bench.js';
import { Broken, Skipped, type Check } from './check.js';
import { checks } from './checks.js';

export type CheckResult = {
  readonly check: Check;
  readonly ms: number;
} & (
  | { readonly result: 'ok' }
  /** What was found, or what kept it from being found. */
  | { readonly result: 'failed'; readonly error: Error }
  | { readonly result: 'skipped'; readonly reason: string }
);

/** How long one check may take beyond the boots that it waits for, in milliseconds. */
const checkMs = 120_000;

/** How often a check waits for a machine at most: for a stop, a start, and its SSH server. */
const bootsPerCheck = 3;

/** The suite on one provider: its checks one after the other, and in the end all that was made is ended. */
export class Conformance {
  readonly #bench: Bench;
  readonly #options: BenchOptions;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.#bench = new Bench(options);
  }

  /** Throws the signal's reason, and nothing else. */
  async run(check: Check, signal?: AbortSignal): Promise<CheckResult> {
    const { clock, bootMs } = this.#options;
    signal?.throwIfAborted();
    const startMs = clock.now();
    const limit = new AbortController();
    const over = new AbortController();
    const limitMs = checkMs + bootsPerCheck * bootMs;
    const late = clock.sleep(limitMs, over.signal).then(() => {
      limit.abort(new Broken(`it is not done after ${Math.round(limitMs / 1000)} s`));
      throw limit.signal.reason as Error;
    });
    late.catch(() => undefined);
    this.#bench.signal = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
    const ended = (): Pick<CheckResult, 'check' | 'ms'> => ({ check, ms: Math.round(clock.now() - startMs) });
    try {
      const missing = missingOf(check, await this.#bench.capabilities());
      if (missing !== undefined) throw new Skipped(`it cannot do that (${missing})`);
      await Promise.race([check.run(this.#bench), late]);
      return { ...ended(), result: 'ok' };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Skipped) return { ...ended(), result: 'skipped', reason: error.message };
      return { ...ended(), result: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      over.abort();
    }
  }

  /** Ends all that was made, whatever became of it, and names what is left. */
  cleanUp(): Promise<Remains> {
    return this.#bench.cleanUp();
  }
}

function missingOf({ needs = [] }: Check, capabilities: Capabilities): string | undefined {
  return needs.find((name) => !capabilities[name]);
}

export interface ConformanceReport extends Remains {
  readonly results: readonly CheckResult[];
}

/**
 * Runs the whole suite. Cleans up in any case, also where it is aborted: then it throws the signal's reason after that, and
 * `onAborted` has been told what is left.
 */
export async function runConformance(
  options: BenchOptions & {
    readonly signal?: AbortSignal | undefined;
    readonly onCheck?: (check: Check) => void;
    readonly onCleanUp?: () => void;
    readonly onAborted?: (left: Remains) => void;
  },
): Promise<ConformanceReport> {
  const { signal, onCheck, onCleanUp, onAborted } = options;
  const suite = new Conformance(options);
  const results: CheckResult[] = [];
  try {
    for (const check of checks) {
      onCheck?.(check);
      results.push(await suite.run(check, signal));
    }
  } catch (error) {
    onCleanUp?.();
    const left = await suite.cleanUp();
    onAborted?.(left);
    throw error;
  }
  onCleanUp?.();
  return { results, ...(await suite.cleanUp()) };
}
