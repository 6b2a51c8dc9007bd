import { describe, expect, it } from 'vitest';
import { shownCommand } from '../../src/run/detached-list.js';

const shown = (command: readonly string[]): unknown => JSON.parse(shownCommand(command));

describe('a command as it is shown', () => {
  it.each([[[]], [['echo', '', 'é\n"\\ \u007f😀']], [Array.from({ length: 2_000 }, () => '')]])(
    'is word for word where it is short',
    (command) => expect(shown(command)).toEqual(command),
  );

  it.each([
    ['many empty words', Array.from({ length: 100_000 }, () => '')],
    ['many short words that are written longer', Array.from({ length: 10_000 }, () => '\u0001')],
    ['a long word that is written longer', ['echo', '\u0001'.repeat(9_000), 'more']],
    ['a long word', ['x'.repeat(100_000)]],
    ['words that just fill it', ['x'.repeat(8_185), 'yy']],
  ])('is a line of ASCII that is not too long with %s, and says that it was cut', (_, command) => {
    expect(shownCommand(command)).toMatch(/^[\x20-\x7e]{8000,8230}$/);
    const words = shown(command) as string[];
    expect(words.at(-1)).toMatch(/…$/);
    words.slice(0, -1).forEach((word, at) => expect(command[at]?.startsWith(word.replace(/…$/, ''))).toBe(true));
  });
});
