import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/control/http/retry-after.js';

const at = (time: string): string => new Date(`2026-01-01T${time}Z`).toUTCString();

/** What an answer with these headers asks for, where the time of day here is 12:00. */
function asked(headers: Record<string, string>): number {
  return retryAfterMs({ headers: new Headers(headers) }, () => Date.parse('2026-01-01T12:00:00Z'));
}

describe('how long an answer asks to be left alone', () => {
  it.each([
    ['nothing', {}, 0],
    ['a number of seconds', { 'retry-after': '7' }, 7_000],
    ['what nobody understands', { 'retry-after': 'soon' }, 0],
    ['a date', { 'retry-after': at('12:00:03') }, 3_000],
    ['a date that is over', { 'retry-after': at('11:00:00') }, 0],
    ['a date, by a clock that is behind', { 'retry-after': at('11:50:03'), date: at('11:50:00') }, 3_000],
    ['a date, by a clock that is ahead', { 'retry-after': at('13:00:03'), date: at('13:00:00') }, 3_000],
  ])('is told by %s', (_title, headers, ms) => {
    expect(asked(headers)).toBe(ms);
  });
});
