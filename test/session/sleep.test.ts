import { expect, it } from 'vitest';
import { watchForSleep } from '../../src/session/sleep.js';
import { fakeClock } from '../fakes/clock.js';

it('a machine that slept is noticed once it wakes, by the time of day', async () => {
  const clock = fakeClock();
  const end = new AbortController();
  let slept = 0;
  let woken = 0;
  const watching = watchForSleep({
    clock,
    timeOfDay: () => clock.now() + slept,
    signal: end.signal,
    onWake: () => (woken += 1),
  });
  await clock.advance(60_000);
  expect(woken).toBe(0);
  slept = 3_600_000;
  await clock.advance(5_000);
  expect(woken).toBe(1);
  await clock.advance(60_000);
  expect(woken).toBe(1);
  end.abort();
  await watching;
  expect(clock.sleeping).toBe(0);
});
