import { expect, it } from 'vitest';
import { fakeClock } from '../fakes/clock.js';
import { Budget } from './budget.js';

it('a task begins while there is time for the longest that it took so far', async () => {
  const clock = fakeClock();
  const budget = new Budget(100, clock);
  for (const ms of [30, 20]) {
    expect(budget.allows('edit')).toBe(true);
    await clock.advance(ms);
    budget.pause();
  }
  await clock.advance(20);
  expect(budget.allows('edit')).toBe(true);
  expect(budget.allows('edit')).toBe(true);
  await clock.advance(1);
  expect(budget.allows('edit')).toBe(false);
});

it('nothing begins once the time is over', async () => {
  const clock = fakeClock();
  const budget = new Budget(100, clock);
  await clock.advance(100);
  expect(budget.allows('edit')).toBe(true);
  await clock.advance(1);
  expect(budget.allows('no-op')).toBe(false);
});
