import { expect, it } from 'vitest';
import { fakeClock } from '../fakes/clock.js';
import { DelayLine } from './delay-line.js';

it('a delay line does a thing when its time has come and not before', async () => {
  const clock = fakeClock();
  const done: string[] = [];
  new DelayLine(clock).in(25, () => done.push('it'));
  await clock.advance(24);
  expect(done).toEqual([]);
  await clock.advance(1);
  expect(done).toEqual(['it']);
  expect(clock.sleeping).toBe(0);
});

it('a delay line lets nothing overtake', async () => {
  const clock = fakeClock();
  const line = new DelayLine(clock);
  const done: string[] = [];
  line.in(75, () => done.push('first'));
  line.in(25, () => done.push('second'));
  line.in(0, () => done.push('third'));
  await clock.advance(74);
  expect(done).toEqual([]);
  await clock.advance(1);
  expect(done).toEqual(['first', 'second', 'third']);
});

it('a delay line of 0 ms does a thing at once', () => {
  const done: string[] = [];
  new DelayLine(fakeClock()).in(0, () => done.push('it'));
  expect(done).toEqual(['it']);
});
