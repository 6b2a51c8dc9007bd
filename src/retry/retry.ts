import { backOff } from 'exponential-backoff';
import type { Clock } from '../clock.js';
import { classify, type Verdict } from './classify.js';
import { decide, type RetryPolicy } from './policy.js';

export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** What to do about an error that does not say whether it is retryable. Default: fail. */
  readonly unknown?: Verdict;
  /** The least that is waited after an error, such as what its Retry-After says, in milliseconds. Infinity: no more. */
  readonly restMs?: (error: unknown) => number;
  /** What went wrong before: the loop goes on from there, with a wait, and with what is left of the time. */
  readonly after?: Failure | undefined;
  /** Called for each failure that may be retried, also when no time is left to do so. */
  readonly onFailed?: (error: unknown, attempt: number) => void;
  /** Called before each wait, and only when it really follows. `attempt` is the one that failed. */
  readonly onWait?: (error: unknown, delayMs: number, attempt: number) => void;
}

/** The last of `attempts` attempts, which took `elapsedMs` in all. */
export interface Failure {
  readonly error: unknown;
  readonly attempts: number;
  readonly elapsedMs: number;
}

export interface Retried<T> {
  readonly value: T;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** Time ran out on failures that were all worth retrying. The last of them is the `cause`. */
export class RetriesExhausted extends Error {
  override readonly name = 'RetriesExhausted';

  constructor(
    readonly attempts: number,
    readonly elapsedMs: number,
    cause: unknown,
  ) {
    super(`gave up after ${attempts} attempts`, { cause });
  }
}

/**
 * Runs `op` until it succeeds, fails in a way that waiting cannot cure, or the policy's deadline comes.
 *
 * `op` gets the number of the attempt, from 1, and the time left, which is its own time limit to keep; it also has to
 * end when the signal is aborted. Waits end at once on abort and leave no timer behind.
 *
 * Throws the error of `op` itself when it is not retryable, RetriesExhausted at the deadline, the signal's reason on
 * abort.
 */
export async function retry<T>(
  op: (attempt: number, remainingMs: number) => Promise<T>,
  { policy, clock, signal, unknown = 'fail', restMs, after, onFailed, onWait }: RetryOptions,
): Promise<Retried<T>> {
  const startMs = clock.now() - (after?.elapsedMs ?? 0);
  const elapsedMs = (): number => clock.now() - startMs;
  let attempts = after?.attempts ?? 0;

  const attempt = (): Promise<T> => {
    signal?.throwIfAborted();
    attempts += 1;
    return op(attempts, Math.max(0, policy.deadlineMs - elapsedMs()));
  };

  // The wait happens here, because backOff's own cannot be aborted. What this throws replaces the error of `op`.
  const mayRetry = async (error: unknown): Promise<boolean> => {
    signal?.throwIfAborted();
    if (classify(error, { unknown }) === 'fail') return false;
    onFailed?.(error, attempts);
    const rest = { restMs: restMs?.(error) ?? 0 };
    const decision = decide(policy, { failedAttempts: attempts, elapsedMs: elapsedMs(), ...rest });
    if (decision.kind === 'wait') {
      onWait?.(error, decision.delayMs, attempts);
      await clock.sleep(decision.delayMs, signal);
      // A machine that was suspended wakes long after the wait was over.
      if (elapsedMs() < policy.deadlineMs) return true;
    }
    throw new RetriesExhausted(attempts, elapsedMs(), error);
  };

  if (after !== undefined && !(await mayRetry(after.error))) throw after.error;
  const value = await backOff(attempt, { startingDelay: 0, numOfAttempts: Infinity, retry: mayRetry });
  return { value, attempts, elapsedMs: elapsedMs() };
}
