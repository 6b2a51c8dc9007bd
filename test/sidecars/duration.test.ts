import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/sidecars/duration.js';

describe('parseDuration', () => {
  it.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['2m', 120_000],
    ['1500ms', 1500],
    ['1.5s', 1500],
    ['24h', 86_400_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '0',
    '0ms',
    '0.0001ms',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1d',
    's',
    '1e3',
    '0x10',
    '1,5s',
    '.5s',
    'Infinity',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('refuses what a timer could not wait for', () => {
    expect(parseDuration('25h')).toBeUndefined();
    expect(parseDuration('9'.repeat(400))).toBeUndefined();
  });
});
