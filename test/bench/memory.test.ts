import { expect, it } from 'vitest';
import { parseStat } from './memory.js';

it('the flags and the resident pages of a process are read whatever it is called', () => {
  const fields = 'S 1 77 77 0 -1 4194624 900 0 0 0 1 2 0 0 20 0 11 0 12345 99999744 4321 18446744073709551615 1';
  for (const name of ['node', 'a (strange) name', ') 1 2 3']) {
    expect(parseStat(`77 (${name}) ${fields}\n`)).toEqual({ flags: 4_194_624, residentPages: 4_321 });
  }
});
