import { describe, expect, it } from 'vitest';
import { within } from '../../src/retry/within.js';
import { fakeClock } from '../fakes/clock.js';

const never = new Promise<string>(() => undefined);
const tooLate = new Error('too late');
const late = (): Error => tooLate;

describe('within', () => {
  it('gives what the work gives, and leaves nobody asleep', async () => {
    const clock = fakeClock();
    expect(await within(Promise.resolve('done'), { ms: 100, clock, late })).toBe('done');
    expect(clock.sleeping).toBe(0);
  });

  it('fails as the work fails', async () => {
    const error = new Error('failed');
    await expect(within(Promise.reject(error), { ms: 100, clock: fakeClock(), late })).rejects.toBe(error);
  });

  it('stops waiting when the time is up', async () => {
    const clock = fakeClock();
    await expect(clock.until(within(never, { ms: 100, clock, late }))).rejects.toBe(tooLate);
    expect(clock.now()).toBe(100);
  });

  it('stops waiting when aborted, with the reason', async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const waiting = within(never, { ms: 100, clock, late, signal: controller.signal });
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(clock.sleeping).toBe(0);
  });
});
