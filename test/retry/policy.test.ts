import { describe, expect, it } from 'vitest';
import { connectPolicy, decide, delayBefore } from '../../src/retry/policy.js';

describe('the connect policy', () => {
  it('waits 2 s first, half as much again each time, and 15 s at most', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => delayBefore(connectPolicy, attempt));
    expect(delays).toEqual([0, 2_000, 3_000, 4_500, 6_750, 10_125, 15_000, 15_000, 15_000]);
  });

  it('waits as long as the next attempt still starts before the deadline', () => {
    expect(decide(connectPolicy, { failedAttempts: 1, elapsedMs: 87_999 })).toEqual({ kind: 'wait', delayMs: 2_000 });
  });

  it('gives up rather than begin a wait that would end at the deadline', () => {
    expect(decide(connectPolicy, { failedAttempts: 1, elapsedMs: 88_000 })).toEqual({ kind: 'give-up' });
  });

  it('gives up when an attempt ended past the deadline', () => {
    expect(decide(connectPolicy, { failedAttempts: 3, elapsedMs: 90_001 })).toEqual({ kind: 'give-up' });
  });
});
