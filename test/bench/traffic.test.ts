import { describe, expect, it } from 'vitest';
import { since, TrafficCount } from './traffic.js';

/** This side sends, and it arrives. */
function ask(count: TrafficCount): void {
  count.reachedThere(count.sent(10));
}

/** The other side sends, and it arrives. */
function answer(count: TrafficCount): void {
  count.reachedHere(count.answered(100));
}

describe('round trips', () => {
  it('are as many as there are answers that were waited for', () => {
    const count = new TrafficCount();
    for (let turn = 0; turn < 3; turn += 1) {
      ask(count);
      answer(count);
    }
    expect(count.soFar.roundTrips).toBe(3);
  });

  it('do not grow with what is sent in one go', () => {
    const count = new TrafficCount();
    ask(count);
    ask(count);
    answer(count);
    answer(count);
    expect(count.soFar.roundTrips).toBe(1);
  });

  it('do not grow with an answer that was under way before the question arrived', () => {
    const count = new TrafficCount();
    ask(count);
    const first = count.answered(1);
    const early = count.answered(1);
    count.reachedHere(first);
    const second = count.sent(1);
    count.reachedHere(early);
    count.reachedThere(second);
    expect(count.soFar.roundTrips).toBe(1);
    answer(count);
    expect(count.soFar.roundTrips).toBe(2);
  });

  it('include one for each new connection', () => {
    const count = new TrafficCount();
    count.reachedThere(count.opened());
    answer(count);
    ask(count);
    answer(count);
    count.reachedThere(count.opened());
    answer(count);
    expect(count.soFar.roundTrips).toBe(5);
  });
});

it('bytes are counted in each direction', () => {
  const count = new TrafficCount();
  ask(count);
  answer(count);
  const before = count.soFar;
  ask(count);
  ask(count);
  answer(count);
  expect(before).toEqual({ roundTrips: 1, upBytes: 10, downBytes: 100 });
  expect(since(before, count.soFar)).toEqual({ roundTrips: 1, upBytes: 20, downBytes: 100 });
});
