import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AttemptTimer } from '../../src/transport/attempt-timer.js';

describe('AttemptTimer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('expires when its time is up, not before', () => {
    const timer = new AttemptTimer(10_000);
    vi.advanceTimersByTime(9_999);
    expect(timer.expired.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(timer.expired.aborted).toBe(true);
  });

  it('stands still while paused, and goes on with what was left', () => {
    const timer = new AttemptTimer(10_000);
    vi.advanceTimersByTime(4_000);
    timer.pause();
    vi.advanceTimersByTime(60_000);
    timer.resume();
    vi.advanceTimersByTime(5_999);
    expect(timer.expired.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(timer.expired.aborted).toBe(true);
  });

  it('may be paused and resumed twice', () => {
    const timer = new AttemptTimer(10_000);
    timer.pause();
    timer.pause();
    timer.resume();
    timer.resume();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(timer.expired.aborted).toBe(true);
  });

  it('leaves no timer behind once paused', () => {
    new AttemptTimer(10_000).pause();
    expect(vi.getTimerCount()).toBe(0);
  });
});
