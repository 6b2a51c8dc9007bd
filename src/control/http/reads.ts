import type { Clock } from '../../clock.js';
import type { RetryPolicy } from '../../retry/policy.js';
import { RetriesExhausted, retry } from '../../retry/retry.js';
import { retryAfterMs } from './retry-after.js';
import type { Send } from './send.js';

/** How reads survive a gateway behind which something resumes. */
export const readPolicy: RetryPolicy = { firstDelayMs: 200, factor: 2, maxDelayMs: 2_000, deadlineMs: 10_000 };

/** The same for one who asks again in any case, and has the user told why: a longer outage is not waited out in silence. */
export const briefReadPolicy: RetryPolicy = { ...readPolicy, maxAttempts: 4 };

const readMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Too early, too many requests, and what a gateway answers that does not get through. */
export const passingStatuses: ReadonlySet<number> = new Set([425, 429, 502, 503, 504]);

export interface ReadOptions {
  readonly clock: Clock;
  readonly policy?: RetryPolicy;
}

/**
 * Asks again where what is read may only just be unavailable, until the policy's time is over: then the last answer is
 * returned, or the last failure thrown, as it is. Any other answer is returned at once, and what is no read is asked once.
 */
export function survivingReads(send: Send, { clock, policy = readPolicy }: ReadOptions): Send {
  return async (asked) => {
    if (!readMethods.has(asked.method)) return send(asked);
    const read = async (_attempt: number, remainingMs: number): Promise<Response> => {
      const limitMs = Math.min(remainingMs, asked.limitMs ?? Infinity);
      const answer = await send({ ...asked, limitMs });
      if (passingStatuses.has(answer.status)) throw new Unavailable(answer);
      return answer;
    };
    try {
      return (await retry(read, { policy, clock, signal: asked.signal, restMs })).value;
    } catch (thrown) {
      if (!(thrown instanceof RetriesExhausted)) throw thrown;
      if (thrown.cause instanceof Unavailable) return thrown.cause.answer;
      throw thrown.cause;
    }
  };
}

class Unavailable extends Error {
  readonly retryable = true;

  constructor(readonly answer: Response) {
    super(`status ${answer.status}`);
  }
}

function restMs(error: unknown): number {
  return error instanceof Unavailable ? retryAfterMs(error.answer) : 0;
}
