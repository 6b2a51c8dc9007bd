/** When to try again. Times are milliseconds; `deadlineMs` counts from the start of the first attempt. */
export interface RetryPolicy {
  readonly firstDelayMs: number;
  /** Each wait is this many times the one before it. */
  readonly factor: number;
  readonly maxDelayMs: number;
  /** No wait and no attempt runs past it. */
  readonly deadlineMs: number;
  /** How many attempts there are at most. Default: as many as the time allows. */
  readonly maxAttempts?: number;
}

/** How a session is waited for: long enough for a machine to boot, short enough to be told about a wrong address. */
export const connectPolicy: RetryPolicy = { firstDelayMs: 2_000, factor: 1.5, maxDelayMs: 15_000, deadlineMs: 90_000 };

/** The wait before attempt number `attempt`, counted from 1. There is none before the first. */
export function delayBefore(policy: RetryPolicy, attempt: number): number {
  if (attempt <= 1) return 0;
  return Math.min(policy.firstDelayMs * policy.factor ** (attempt - 2), policy.maxDelayMs);
}

export type Decision = { readonly kind: 'wait'; readonly delayMs: number } | { readonly kind: 'give-up' };

/**
 * What follows after `failedAttempts` attempts and `elapsedMs`, where the other side wants to be left alone for `restMs`: a
 * wait that would end at the deadline or after it leaves no time for an attempt, so it is not begun.
 */
export function decide(
  policy: RetryPolicy,
  { failedAttempts, elapsedMs, restMs = 0 }: { failedAttempts: number; elapsedMs: number; restMs?: number },
): Decision {
  const delayMs = Math.max(delayBefore(policy, failedAttempts + 1), restMs);
  if (failedAttempts >= (policy.maxAttempts ?? Infinity)) return { kind: 'give-up' };
  return delayMs < Infinity && elapsedMs + delayMs < policy.deadlineMs
    ? { kind: 'wait', delayMs }
    : { kind: 'give-up' };
}
