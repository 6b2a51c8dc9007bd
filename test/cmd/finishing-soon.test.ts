import { describe, expect, it } from 'vitest';
import { finishingSoon } from '../../cmd/finishing-soon.js';
import { fakeClock } from '../fakes/clock.js';

describe('work that the end of a command waits for', () => {
  const begin = (work: Promise<string>) => {
    const clock = fakeClock();
    const ending = new AbortController();
    const waitedFor: Promise<unknown>[] = [];
    const finishing = <T>(end: Promise<T>): Promise<T> => {
      waitedFor.push(end);
      return end;
    };
    const given = finishingSoon({ finishing, clock, ending: ending.signal })(work);
    return { clock, ending, given, ended: Promise.all(waitedFor) };
  };

  it('is given back as it is, and waited for until it is done', async () => {
    const { clock, ending, given, ended } = begin(Promise.resolve('done'));
    ending.abort();
    expect([await given, await ended]).toEqual(['done', ['done']]);
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  it('is not waited for any longer 10 s after the interruption or the end', async () => {
    const { clock, ending, ended } = begin(new Promise(() => undefined));
    await clock.advance(60_000);
    ending.abort();
    await clock.until(ended);
    expect(clock.now()).toBe(70_000);
  });
});
