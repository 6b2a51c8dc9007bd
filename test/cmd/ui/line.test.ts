import { describe, expect, it } from 'vitest';
import { fit, paint, plainText } from '../../../cmd/ui/line.js';

describe('a line', () => {
  it('is coloured only where colour is wanted', () => {
    const line = ['a ', { text: 'b', style: 'red' }] as const;
    expect(paint(line, true)).toBe('a \x1b[31mb\x1b[39m');
    expect(paint(line, false)).toBe('a b');
  });

  it('shows foreign text escaped, in a styled segment too', () => {
    expect(paint(['\x1b[2J', { text: '\n\x1b[0m', style: 'bold' }], true)).toBe('\\x1b[2J\x1b[1m\\n\\x1b[0m\x1b[22m');
  });

  it('is cut to the columns of the terminal across its segments', () => {
    expect(plainText(fit(['abc', { text: 'def', style: 'dim' }, 'ghi'], 5))).toBe('abcde');
  });

  it('is measured as it is shown: an escaped character takes more than one column', () => {
    expect(plainText(fit(['a\nb'], 3))).toBe('a\\n');
  });
});
