import { describe, expect, it } from 'vitest';
import { count, formatBytes, formatRate, formatSeconds } from '../../../cmd/ui/quantities.js';

describe('quantities', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [2841, '2.8 kB'],
    [9949, '9.9 kB'],
    [9950, '10 kB'],
    [41_400_000, '41 MB'],
    [999_600, '1.0 MB'],
    [3_000_000_000, '3.0 GB'],
  ])('%d bytes are %s', (bytes, shown) => {
    expect(formatBytes(bytes)).toBe(shown);
  });

  it.each([
    [0, '0.00 s'],
    [212, '0.21 s'],
    [994, '0.99 s'],
    [1_000, '1 s'],
    [8_240, '8.2 s'],
    [90_000, '90 s'],
    [99_960, '100 s'],
    [120_400, '120 s'],
  ])('%d ms are %s', (ms, shown) => {
    expect(formatSeconds(ms)).toBe(shown);
  });

  it('a rate is bytes per second', () => {
    expect(formatRate(5_000_000, 2_000)).toBe('2.5 MB/s');
  });

  it('a rate is not guessed from an instant', () => {
    expect(formatRate(5_000_000, 20)).toBeUndefined();
  });

  it('one is singular', () => {
    expect([count(1, 'attempt'), count(0, 'attempt'), count(2, 'directory', 'directories')]).toEqual([
      '1 attempt',
      '0 attempts',
      '2 directories',
    ]);
  });
});
