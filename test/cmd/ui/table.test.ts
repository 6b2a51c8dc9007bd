import { describe, expect, it } from 'vitest';
import { plainText } from '../../../cmd/ui/line.js';
import { table } from '../../../cmd/ui/table.js';

describe('a table', () => {
  it('makes every column as wide as its widest cell', () => {
    const lines = table(
      ['', 'NAME', 'WHERE'],
      [
        ['*', 'web', 'local'],
        ['', 'database', 'dev@10.0.0.7'],
      ],
    );
    expect(lines.map(plainText)).toEqual(['   NAME      WHERE', '*  web       local', '   database  dev@10.0.0.7']);
  });

  it('stays in its columns when a cell holds control characters', () => {
    const lines = table(
      ['NAME', 'WHERE'],
      [
        ['a\nb', 'x'],
        ['abcd', 'y'],
      ],
    );
    expect(lines.map(plainText)).toEqual(['NAME  WHERE', 'a\\nb  x', 'abcd  y']);
  });
});
