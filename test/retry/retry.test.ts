import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { SidecarError } from '../../src/errors.js';
import { connectPolicy } from '../../src/retry/policy.js';
import { RetriesExhausted, retry } from '../../src/retry/retry.js';
import { fakeClock } from '../fakes/clock.js';

const unreachable = new SidecarError('ssh.unreachable', {}, { retryable: true });
const refused = new SidecarError('ssh.auth_refused', {}, { retryable: false });
const policy = connectPolicy;

/** Fails with these errors, one after another, then succeeds. */
function failing(...errors: Error[]): () => Promise<string> {
  return () => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve('open') : Promise.reject(error);
  };
}

describe('retry', () => {
  it('makes the first attempt at once and returns its value, with no wait and no announcement', async () => {
    const clock = fakeClock();
    const waits: unknown[] = [];
    const result = await retry(failing(), { policy, clock, onWait: (error) => waits.push(error) });
    expect(result).toEqual({ value: 'open', attempts: 1, elapsedMs: 0 });
    expect(clock.sleeps).toEqual([]);
    expect(waits).toEqual([]);
  });

  it('says how many attempts it took and how long', async () => {
    const clock = fakeClock();
    const result = await clock.until(retry(failing(unreachable, unreachable), { policy, clock }));
    expect(result).toEqual({ value: 'open', attempts: 3, elapsedMs: 5_000 });
  });

  it('announces each wait before it, with the error, the delay and the attempt that failed', async () => {
    const clock = fakeClock();
    const waits: unknown[] = [];
    const onWait = (error: unknown, delayMs: number, attempt: number): void => {
      waits.push({ error, delayMs, attempt, atMs: clock.now() });
    };
    await clock.until(retry(failing(unreachable, unreachable), { policy, clock, onWait }));
    expect(waits).toEqual([
      { error: unreachable, delayMs: 2_000, attempt: 1, atMs: 0 },
      { error: unreachable, delayMs: 3_000, attempt: 2, atMs: 2_000 },
    ]);
  });

  it('leaves the other side alone for as long as it asks, and gives up where no time would be left', async () => {
    const clock = fakeClock();
    const busy = Object.assign(new Error('busy'), { retryable: true });
    await clock.until(retry(failing(busy), { policy, clock, restMs: () => 10_000 }));
    expect(clock.now()).toBe(10_000);
    await clock.until(retry(failing(busy), { policy, clock, restMs: () => 1_000 }));
    expect(clock.now()).toBe(12_000);
    const patient = retry(failing(busy), {
      policy: { ...policy, deadlineMs: Infinity },
      clock,
      restMs: () => Infinity,
    });
    await expect(patient).rejects.toMatchObject({ name: 'RetriesExhausted', cause: busy });
  });

  it('throws a permanent error as it is, at once and unannounced', async () => {
    const clock = fakeClock();
    const seen: unknown[] = [];
    const observe = (error: unknown): void => void seen.push(error);
    await expect(retry(failing(refused), { policy, clock, onWait: observe, onFailed: observe })).rejects.toBe(refused);
    expect(seen).toEqual([]);
    expect(clock.sleeps).toEqual([]);
  });

  it('does not retry an unknown error unless told to', async () => {
    const clock = fakeClock();
    const odd = new Error('odd');
    await expect(retry(failing(odd), { policy, clock })).rejects.toBe(odd);
    const result = await clock.until(retry(failing(odd), { policy, clock, unknown: 'retry' }));
    expect(result.attempts).toBe(2);
  });

  it('treats an operation that throws before its first promise like any other', async () => {
    const boom = (): Promise<never> => {
      throw refused;
    };
    await expect(retry(boom, { policy, clock: fakeClock() })).rejects.toBe(refused);
  });

  describe('until the deadline', () => {
    async function exhaust(attemptMs: number): Promise<{ startedMs: number[]; remaining: number[]; error: unknown }> {
      const clock = fakeClock();
      const startedMs: number[] = [];
      const remaining: number[] = [];
      const attempt = async (_attempt: number, remainingMs: number): Promise<never> => {
        startedMs.push(clock.now());
        remaining.push(remainingMs);
        await clock.sleep(Math.min(attemptMs, remainingMs));
        throw unreachable;
      };
      const error: unknown = await clock.until(retry(attempt, { policy, clock })).catch((thrown: unknown) => thrown);
      expect(clock.sleeping).toBe(0);
      return { startedMs, remaining, error };
    }

    it('attempts that fail at once start at 0, 2, 5, 9.5, 16.25 and 26.375 s, then every 15 s, and end at 86.375 s', async () => {
      const { startedMs, error } = await exhaust(0);
      expect(startedMs).toEqual([0, 2_000, 5_000, 9_500, 16_250, 26_375, 41_375, 56_375, 71_375, 86_375]);
      expect(error).toBeInstanceOf(RetriesExhausted);
      expect(error).toMatchObject({ attempts: 10, elapsedMs: 86_375, cause: unreachable });
    });

    it('attempts that take 10 s start at 0, 12, 25, 39.5, 56.25 and 76.375 s', async () => {
      const { startedMs, error } = await exhaust(10_000);
      expect(startedMs).toEqual([0, 12_000, 25_000, 39_500, 56_250, 76_375]);
      expect(error).toMatchObject({ attempts: 6, elapsedMs: 86_375, cause: unreachable });
    });

    it('an attempt gets the time that is left as its limit, so none runs past the deadline', async () => {
      const { startedMs, remaining, error } = await exhaust(40_000);
      expect(startedMs).toEqual([0, 42_000, 85_000]);
      expect(remaining).toEqual([90_000, 48_000, 5_000]);
      expect(error).toMatchObject({ attempts: 3, elapsedMs: 90_000 });
    });

    it('does not announce a wait that will not follow', async () => {
      const clock = fakeClock();
      const waits: unknown[] = [];
      const failures: unknown[] = [];
      const slow = async (): Promise<never> => {
        await clock.sleep(89_000);
        throw unreachable;
      };
      const work = retry(slow, {
        policy,
        clock,
        onWait: (error) => waits.push(error),
        onFailed: (error) => failures.push(error),
      });
      await expect(clock.until(work)).rejects.toMatchObject({ attempts: 1, elapsedMs: 89_000 });
      expect(waits).toEqual([]);
      expect(failures).toEqual([unreachable]);
    });

    it('makes no attempt when the wait itself ended past the deadline, as after a suspend', async () => {
      const clock = fakeClock();
      const oversleeping = { now: () => clock.now(), sleep: () => clock.sleep(600_000) };
      const work = retry(failing(unreachable), { policy, clock: oversleeping });
      await expect(clock.until(work)).rejects.toMatchObject({ attempts: 1, elapsedMs: 600_000 });
    });
  });

  describe('aborted', () => {
    const reason = new Error('Ctrl-C');

    it('before the start: makes no attempt', async () => {
      let attempts = 0;
      const count = (): Promise<void> => Promise.resolve(void (attempts += 1));
      const signal = AbortSignal.abort(reason);
      await expect(retry(count, { policy, clock: fakeClock(), signal })).rejects.toBe(reason);
      expect(attempts).toBe(0);
    });

    it('during a wait: ends at once with the reason and leaves nobody asleep', async () => {
      const clock = fakeClock();
      const controller = new AbortController();
      const work = retry(failing(unreachable), {
        policy,
        clock,
        signal: controller.signal,
        onWait: () => queueMicrotask(() => controller.abort(reason)),
      });
      await expect(work).rejects.toBe(reason);
      expect(clock.now()).toBe(0);
      expect(clock.sleeping).toBe(0);
    });

    it('during a wait on the real clock: leaves no timer that would keep the process alive', async () => {
      const controller = new AbortController();
      const work = retry(failing(unreachable), {
        policy,
        clock: systemClock,
        signal: controller.signal,
        onWait: () => queueMicrotask(() => controller.abort(reason)),
      });
      const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const before = timers();
      await expect(work).rejects.toBe(reason);
      expect(timers()).toBeLessThanOrEqual(before);
    });

    it('during an attempt: throws the reason, whatever the attempt then failed with', async () => {
      const controller = new AbortController();
      const attempt = (): Promise<never> => {
        controller.abort(reason);
        return Promise.reject(unreachable);
      };
      const waits: unknown[] = [];
      const work = retry(attempt, {
        policy,
        clock: fakeClock(),
        signal: controller.signal,
        onWait: (error) => waits.push(error),
      });
      await expect(work).rejects.toBe(reason);
      expect(waits).toEqual([]);
    });
  });
});
