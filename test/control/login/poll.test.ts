import { describe, expect, it } from 'vitest';
import { pollForTokens, type PollAnswer, type PollOptions } from '../../../src/control/login/poll.js';
import { BusyAnswer } from '../../../src/control/http/busy-answer.js';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import { OAuthFault, OAuthRefusal } from '../../../src/control/oauth/failure.js';
import type { Tokens } from '../../../src/control/oauth/tokens.js';
import { fakeClock } from '../../fakes/clock.js';

const server = 'https://sidecars.example';
const tokens: Tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: undefined, account: undefined };
const approved: PollAnswer = { kind: 'tokens', tokens };
const pending: PollAnswer = { kind: 'pending' };
const slowDown: PollAnswer = { kind: 'slow-down' };
const status = (code: number, headers: Record<string, string> = {}): Error =>
  new BusyAnswer(new Response(null, { status: code, headers }));
const reset = new NoAnswer('cut', 'the connection was reset', { retryable: true });
const late = new NoAnswer('late', 'no answer within 30 s', { retryable: true });
const refusal = (error: string, description?: string): Error => new OAuthRefusal(error, description);

type Step = PollAnswer | Error;

/** A poll that is answered by `steps`, one after another, and pending from then on. */
function polling(steps: readonly Step[], options: Partial<PollOptions> = {}) {
  const clock = fakeClock();
  const left = [...steps];
  let asked = 0;
  const work = pollForTokens({
    ask: () => {
      asked += 1;
      const step = left.shift() ?? pending;
      return step instanceof Error ? Promise.reject(step) : Promise.resolve(step);
    },
    ...{ server, intervalMs: 5_000, expiresInMs: 600_000, clock },
    ...options,
  });
  work.catch(() => undefined);
  return { clock, work, until: () => clock.until(work), asked: () => asked };
}

const seconds = (clock: { readonly sleeps: readonly number[] }): number[] => clock.sleeps.map((ms) => ms / 1000);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('polling for the approval', () => {
  it.each<[title: string, steps: Step[], waits: number[]]>([
    ['waits before it asks', [approved], [5]],
    ['asks at the interval while nothing is decided', [pending, pending, approved], [5, 5, 5]],
    ['goes on after gateways fail', [pending, status(502), status(502), approved], [5, 5, 5, 5]],
    ['goes on after the connection is reset', [reset, approved], [5, 5]],
    ['asks less often for good once it is told to', [slowDown, pending, slowDown, approved], [5, 10, 10, 15]],
    ['asks half as often for good after a time-out', [late, pending, approved], [5, 10, 10]],
    ['asks half as often again after each time-out', [late, late, pending, approved], [5, 10, 20, 20]],
    ['waits for as long as Retry-After says', [status(503, { 'retry-after': '60' }), pending, approved], [5, 60, 5]],
    ['waits no less than the interval', [status(429, { 'retry-after': '1' }), approved], [5, 5]],
    ['goes on after 6 failures in a row', [...times(6, status(502)), approved], times(7, 5)],
    [
      'does not add up failures with an answer between them',
      [...times(6, status(502)), pending, ...times(6, reset), slowDown, ...times(6, status(500)), approved],
      [...times(14, 5), ...times(7, 10)],
    ],
  ])('%s', async (_, steps, waits) => {
    const { clock, until } = polling(steps);
    expect(await until()).toBe(tokens);
    expect(seconds(clock)).toEqual(waits);
    expect(clock.sleeping).toBe(0);
  });

  it('asks every 5 s where the server says nothing of it', async () => {
    const { clock, until } = polling([approved], { intervalMs: undefined });
    await until();
    expect(seconds(clock)).toEqual([5]);
  });

  it.each([425, 429, 500, 502, 503, 504])('gives up at the 7th %d in a row, with that', async (code) => {
    const steps = times(8, 0).map(() => status(code));
    const { asked, until } = polling(steps);
    await expect(until()).rejects.toMatchObject({
      code: 'server.unreachable',
      facts: { server, attempts: 7, elapsedMs: 30_000, reason: `it answers ${code}` },
      cause: steps[6],
    });
    expect(asked()).toBe(7);
  });

  it.each<[error: Error, code: string, reason?: string]>([
    [refusal('access_denied', 'Ada said no'), 'login.denied', 'Ada said no'],
    [refusal('expired_token'), 'login.expired'],
    [refusal('invalid_grant', 'no such code'), 'login.failed', 'invalid_grant: no such code'],
    [refusal('invalid_client'), 'login.failed', 'invalid_client'],
    [new OAuthFault('it answers 404'), 'login.failed', 'it answers 404'],
    [new NoAnswer('not reached', 'TLS failed', { retryable: false }), 'server.unreachable', 'TLS failed'],
  ])('ends at once on %s', async (error, code, reason) => {
    const { asked, until } = polling([pending, error]);
    await expect(until()).rejects.toMatchObject({ code, facts: { server, ...(reason && { reason }) } });
    expect(asked()).toBe(2);
  });

  it('ends at once on a mistake of ours', async () => {
    const bug = new TypeError('x is not a function');
    const { asked, until } = polling([bug]);
    await expect(until()).rejects.toBe(bug);
    expect(asked()).toBe(1);
  });

  it.each<[what: string, before: Step]>([
    ['a reset', reset],
    ['a truncated answer', new NoAnswer('cut', 'its answer is not whole', { retryable: true })],
    ['a 502', status(502)],
    ['a time-out', late],
  ])('says that the approval was lost when the code is used up after %s', async (_, before) => {
    await expect(polling([pending, before, refusal('invalid_grant')]).until()).rejects.toMatchObject({
      code: 'login.lost',
    });
  });

  it('does not say so when an answer came in between', async () => {
    const { until } = polling([reset, pending, refusal('invalid_grant')]);
    await expect(until()).rejects.toMatchObject({ code: 'login.failed' });
  });

  it('never asks after the code has expired', async () => {
    const { clock, asked, until } = polling([], { expiresInMs: 12_000 });
    await expect(until()).rejects.toMatchObject({ code: 'login.expired' });
    expect(asked()).toBe(2);
    expect(clock.now()).toBeLessThan(12_000);
  });

  it('asks at the usual interval where a Retry-After is over only after the code', async () => {
    const { clock, until } = polling([status(503, { 'retry-after': '900' }), approved]);
    expect(await until()).toBe(tokens);
    expect(seconds(clock)).toEqual([5, 5]);
  });

  it('says that the approval was lost also where a code that is used up is told as expired before its end', async () => {
    await expect(polling([reset, refusal('expired_token')]).until()).rejects.toMatchObject({
      ...{ code: 'login.lost', facts: { answer: 'expired_token' } },
    });
  });

  it('tells of the outage where the last that was heard before the end of the code was no answer', async () => {
    const { until } = polling([pending, reset, status(502)], { expiresInMs: 18_000 });
    await expect(until()).rejects.toMatchObject({
      code: 'server.unreachable',
      facts: { server, attempts: 2, reason: 'it answers 502' },
    });
  });

  it('says that the code has expired where an answer came after the outage', async () => {
    const { until } = polling([reset, pending], { expiresInMs: 14_000 });
    await expect(until()).rejects.toMatchObject({ code: 'login.expired' });
  });

  it('waits for an answer until 3 s after the end of the code', async () => {
    const limits: number[] = [];
    const ask = (limitMs: number): Promise<PollAnswer> => {
      limits.push(limitMs);
      return limits.length === 1 ? Promise.reject(reset) : Promise.resolve(pending);
    };
    await expect(polling([], { ask, expiresInMs: 19_000 }).until()).rejects.toMatchObject({ code: 'login.expired' });
    expect(limits).toEqual([17_000, 12_000, 7_000]);
  });

  it('ends a wait at once when aborted, and leaves nobody asleep', async () => {
    const interrupted = new AbortController();
    const { clock, work, asked } = polling([], { signal: interrupted.signal });
    await clock.advance(7_000);
    const reason = new Error('Ctrl-C');
    interrupted.abort(reason);
    await expect(work).rejects.toBe(reason);
    expect([asked(), clock.sleeping, clock.now()]).toEqual([1, 0, 7_000]);
  });

  it('ends the wait after a failure at once when aborted', async () => {
    const interrupted = new AbortController();
    const { clock, work } = polling([reset], { signal: interrupted.signal });
    await clock.advance(7_000);
    const reason = new Error('Ctrl-C');
    interrupted.abort(reason);
    await expect(work).rejects.toBe(reason);
    expect(clock.sleeping).toBe(0);
  });

  it('tells of the trouble before it waits', async () => {
    const told: unknown[] = [];
    await polling([reset, approved], { onTrouble: (...what) => told.push(what) }).until();
    expect(told).toEqual([[reset, 5_000]]);
  });
});
