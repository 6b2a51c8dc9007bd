import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { NoAnswer } from '../http/no-answer.js';
import { BusyAnswer } from '../http/busy-answer.js';
import { asToldFailure, isUnanswered, OAuthRefusal, unreachable } from '../oauth/failure.js';
import type { Tokens } from '../oauth/tokens.js';
import { RetriesExhausted, retry } from '../../retry/retry.js';

/** RFC 8628 §3.5: where the server names no interval, and what `slow_down` adds to it. */
const defaultIntervalMs = 5_000;
const slowerByMs = 5_000;

/** The first of them and 6 more, all without an answer: the next one would fail as well. Any answer starts afresh. */
const attemptsInARow = 7;

/** What was approved just before the code's end may be told for as long after it, in milliseconds. */
const graceMs = 3_000;

/** What the server says of a code that was not refused. */
export type PollAnswer =
  { readonly kind: 'tokens'; readonly tokens: Tokens } | { readonly kind: 'pending' } | { readonly kind: 'slow-down' };

export interface PollOptions {
  /** Asks once, for `limitMs` at most, and ends when the signal is aborted. Throws what `oauthFailure` gives. */
  readonly ask: (limitMs: number) => Promise<PollAnswer>;
  /** For messages. */
  readonly server: string;
  readonly intervalMs?: number | undefined;
  readonly expiresInMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called before a wait that follows on no answer. */
  readonly onTrouble?: ((error: unknown, delayMs: number) => void) | undefined;
}

/**
 * Asks until the user has decided.
 *
 *   wait ──▶ ask ──pending, slow_down──▶ wait
 *             ├──no answer──▶ wait, ask: up to 6 times in a row
 *             └──tokens, or what ends it
 *
 * Throws `login.denied`, `login.expired`, `login.lost`, `login.failed`, `server.unreachable`, and on abort the signal's
 * reason, at once.
 */
export async function pollForTokens(options: PollOptions): Promise<Tokens> {
  const { ask, server, expiresInMs, clock, signal, onTrouble } = options;
  let intervalMs = options.intervalMs ?? defaultIntervalMs;
  const startMs = clock.now();
  const remainingMs = (): number => expiresInMs - (clock.now() - startMs);

  const poll = async (): Promise<PollAnswer> => {
    const steady = { firstDelayMs: intervalMs, factor: 1, maxDelayMs: intervalMs };
    const policy = { ...steady, deadlineMs: remainingMs(), maxAttempts: attemptsInARow };
    const { value } = await retry(
      (attempt, leftMs) => ask(leftMs + graceMs).catch((error: unknown) => endOrPass(error, attempt)),
      {
        ...{ policy, clock, signal },
        // RFC 8628 §3.5: less often after a time-out, from now on.
        onFailed: (error) => {
          if (error instanceof NoAnswer && error.timedOut) intervalMs *= 2;
        },
        restMs: (error) => Math.max(intervalMs, tolerableRestMs(error)),
        onWait: (error, delayMs) => onTrouble?.(error, delayMs),
      },
    );
    return value;
  };

  /** A rest beyond the code's end would be the end of the login: then it is asked at the usual interval. */
  const tolerableRestMs = (error: unknown): number => {
    const restMs = error instanceof BusyAnswer ? error.restMs : 0;
    return restMs < remainingMs() ? restMs : 0;
  };

  /** `attempt` counts since the last answer: beyond the first, one was lost. */
  const endOrPass = (error: unknown, attempt: number): never => {
    if (!(error instanceof OAuthRefusal)) throw error;
    const facts = { server, ...(error.description !== undefined && { reason: error.description }) };
    const end = endings.get(error.error);
    // A code that was used up may be told as wrong or as expired, and this one has not come to its end.
    const mayBeUsed = error.error === 'invalid_grant' || (end === 'login.expired' && remainingMs() > 0);
    if (mayBeUsed && attempt > 1)
      throw new SidecarError('login.lost', { ...facts, answer: error.error }, { cause: error, retryable: false });
    if (end !== undefined) throw new SidecarError(end, facts, { cause: error, retryable: false });
    throw error;
  };

  for (;;) {
    if (intervalMs >= remainingMs()) throw expired(server);
    await clock.sleep(intervalMs, signal);
    if (remainingMs() <= 0) throw expired(server); // it was suspended meanwhile
    const answer = await poll().catch((error: unknown) => {
      throw asTold(error, server);
    });
    if (answer.kind === 'tokens') return answer.tokens;
    if (answer.kind === 'slow-down') intervalMs += slowerByMs;
  }
}

/** RFC 8628 §3.5. */
const endings: ReadonlyMap<string, 'login.denied' | 'login.expired'> = new Map([
  ['access_denied', 'login.denied'],
  ['expired_token', 'login.expired'],
]);

const expired = (server: string, cause?: unknown): SidecarError =>
  new SidecarError('login.expired', { server }, { cause, retryable: false });

function asTold(error: unknown, server: string): unknown {
  if (!(error instanceof RetriesExhausted)) return asToldFailure(error, { server, what: 'the login' });
  const { attempts, elapsedMs, cause } = error;
  if (!isUnanswered(cause)) return expired(server, cause);
  // Also at the end of the code's time: nobody knows whether it was confirmed.
  return unreachable(server, cause, { attempts, elapsedMs: Math.round(elapsedMs) });
}
