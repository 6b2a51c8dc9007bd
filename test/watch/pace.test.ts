import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/watch/change.js';
import { beginning, due, dueMs, failed, judged, landed, told, type Pace, type Verdict } from '../../src/watch/pace.js';

const one: Change = { kind: 'touched', paths: new Set(['/tree/one']) };
const two: Change = { kind: 'touched', paths: new Set(['/tree/two']) };
const both: Change = { kind: 'touched', paths: new Set(['/tree/one', '/tree/two']) };
const unseen: Change = { kind: 'unseen' };
const lost: Change = { kind: 'lost' };
const lock: Verdict = { kind: 'git', work: { path: '/tree/.git/index.lock', id: '1' } };
const land: Verdict = { kind: 'land' };

/** The state's time has come, whichever it is. */
function when(pace: Pace): Pace {
  if (pace.kind !== 'settling' && pace.kind !== 'held' && pace.kind !== 'failed') throw new Error(pace.kind);
  return due(pace);
}

const idle: Pace = { kind: 'idle' };
const landing: Pace = judged(beginning, land, 0);

describe('a watch', () => {
  it('begins with a landing of everything', () => {
    expect(beginning).toEqual({ kind: 'judging', change: { kind: 'due' } });
    expect(landing).toEqual({ kind: 'landing', change: { kind: 'due' } });
    expect(landed(landing)).toEqual(idle);
  });

  it('lands a change as soon as the file stands, and waits for the end of a burst', () => {
    const first = told(idle, one, 1_000);
    expect(dueMs(first)).toBe(1_020);
    const second = told(first, two, 1_010);
    expect(dueMs(second)).toBe(1_070);
    expect(when(second)).toEqual({ kind: 'judging', change: both });
  });

  it('takes no look that is due for the beginning of a burst', () => {
    expect(dueMs(told(told(idle, one, 1_000), unseen, 1_010))).toBe(1_020);
  });

  it('lands in the middle of a burst that does not end', () => {
    let pace = told(idle, one, 0);
    for (let ms = 10; ms <= 990; ms += 10) pace = told(pace, one, ms);
    expect(dueMs(pace)).toBe(1_000);
  });

  it('has nothing to do where the change does not matter', () => {
    expect(judged(when(told(idle, one, 0)), { kind: 'nothing' }, 60)).toEqual(idle);
  });

  it('lands once more for all that changed during a landing', () => {
    const during = told(told(landing, one, 100), two, 5_000);
    expect(dueMs(during)).toBeUndefined();
    const after = landed(during);
    expect(after).toMatchObject({ kind: 'settling', change: both });
    expect(dueMs(after)).toBe(1_100);
    expect(landed(judged(when(after), land, 6_000))).toEqual(idle);
  });

  it('keeps what changed while it asked whether to land', () => {
    const asking = told(when(told(idle, one, 0)), two, 70);
    expect(judged(asking, { kind: 'nothing' }, 80)).toMatchObject({ kind: 'settling', change: two });
    expect(landed(judged(asking, land, 80))).toMatchObject({ kind: 'settling', change: two });
  });

  it('takes what nobody saw for more than what was touched, and what is due for more than both', () => {
    expect(told(told(idle, one, 0), unseen, 1)).toMatchObject({ change: unseen });
    expect(told(told(idle, { kind: 'due' }, 0), unseen, 1)).toMatchObject({ change: { kind: 'due' } });
  });

  it('does not keep the names of more than a thousand paths', () => {
    const many: Change = { kind: 'touched', paths: new Set(Array.from({ length: 1000 }, (_, at) => `/tree/${at}`)) };
    expect(told(told(idle, many, 0), one, 1)).toMatchObject({ change: unseen });
  });
});

describe('a watch while git is at work', () => {
  const held = judged(when(told(idle, one, 0)), lock, 60);

  it('looks again and again until git has come to an end, and then lands the end', () => {
    expect(held).toMatchObject({ kind: 'held', change: one });
    expect(dueMs(held)).toBe(110);
    const still = judged(when(told(held, two, 100)), lock, 110);
    expect(still).toMatchObject({ kind: 'held', change: both });
    expect(judged(when(still), land, 160)).toEqual({ kind: 'landing', change: both });
  });

  it('lands all the same when nothing has happened for 10 s: the lock was left behind', () => {
    expect(judged(when(held), lock, 10_059)).toMatchObject({ kind: 'held' });
    const landing = judged(when(held), lock, 10_060);
    expect(landing).toMatchObject({ kind: 'landing', despite: { path: '/tree/.git/index.lock' } });
  });

  it('waits on for as long as files change, but not for more than 2 minutes', () => {
    let pace: Pace = held;
    for (let ms = 5_000; ms < 120_060; ms += 5_000) {
      pace = judged(when(told(pace, two, ms)), lock, ms);
      expect(pace).toMatchObject({ kind: 'held' });
    }
    expect(judged(when(told(pace, two, 120_060)), lock, 120_060)).toMatchObject({ kind: 'landing' });
  });

  it('takes no look that is due for a sign of life', () => {
    const looked = told(told(held, unseen, 9_000), unseen, 10_000);
    expect(judged(when(looked), lock, 10_060)).toMatchObject({ kind: 'landing' });
  });
});

describe('a watch whose connection was lost', () => {
  const seeing = judged(when(told(idle, lost, 0)), land, 60);

  it('lands for that alone, and says so', () => {
    expect(seeing).toEqual({ kind: 'landing', change: lost });
    expect(told(told(idle, lost, 0), unseen, 1)).toMatchObject({ change: lost });
  });

  it('lands for what changed besides', () => {
    expect(told(told(idle, lost, 0), one, 1)).toMatchObject({ change: { kind: 'due' } });
    expect(landed(told(seeing, one, 70))).toMatchObject({ kind: 'settling', change: one });
  });

  it('tries again for no more than that where it failed, unless something changed', () => {
    expect(failed(seeing, 5_000, 100)).toMatchObject({ change: lost });
    expect(failed(told(seeing, one, 70), 5_000, 100)).toMatchObject({ change: { kind: 'due' } });
    expect(told(failed(landing, 5_000, 100), lost, 200)).toMatchObject({ change: { kind: 'due' } });
  });
});

describe('a watch after a landing that failed', () => {
  const broken = failed(landing, 5_000, 1_000);

  it('tries again after the pause', () => {
    expect(dueMs(broken)).toBe(6_000);
    expect(when(broken)).toEqual({ kind: 'judging', change: { kind: 'due' } });
  });

  it('tries again at the next change, but not at once', () => {
    expect(dueMs(told(broken, one, 1_100))).toBe(2_000);
    expect(dueMs(told(broken, one, 4_000))).toBe(4_060);
    expect(dueMs(failed(told(landing, one, 500), 5_000, 1_000))).toBe(2_000);
  });

  it('does not take a look that is due for a change', () => {
    expect(dueMs(told(broken, unseen, 1_100))).toBe(6_000);
    expect(dueMs(failed(told(landing, unseen, 500), 5_000, 1_000))).toBe(6_000);
  });
});

it('a landing that was not begun cannot end', () => {
  expect(() => landed(idle)).toThrow('a watch that is idle cannot end landing');
});
