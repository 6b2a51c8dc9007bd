import { describe, expect, it } from 'vitest';
import { escapeForTerminal, jsonLine } from '../../../cmd/ui/escape.js';

describe('escapeForTerminal', () => {
  it.each([
    ['an ordinary name, with spaces, quotes and backslash', `it's "a\\b"`, `it's "a\\b"`],
    ['letters of other scripts and emoji', 'naïve 日本 🚀', 'naïve 日本 🚀'],
    ['a line end', 'a\nb\r', 'a\\nb\\r'],
    ['a tab', 'a\tb', 'a\\tb'],
    ['an escape sequence', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a window title with a bell', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['the one-byte CSI', '\x9b2J', '\\x9b2J'],
    ['delete and backspace', '\x7f\b', '\\x7f\\x08'],
    ['text that reorders itself', 'abc\u202etxt.exe', 'abc\\u202etxt.exe'],
    ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
    ['half a surrogate pair', '\ud83d!', '\\ud83d!'],
  ])('shows %s', (_, given, shown) => {
    expect(escapeForTerminal(given)).toBe(shown);
  });

  it('leaves what it made as it is', () => {
    const once = escapeForTerminal('\x1b[2J\n\u202e');
    expect(escapeForTerminal(once)).toBe(once);
  });
});

describe('jsonLine', () => {
  it('holds no raw control character and reads back as it was', () => {
    const value = { path: 'a\x1b[31m\x9b\x7f\u202e\n\ud83d', words: 'ü 🚀' };
    const line = jsonLine(value);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(JSON.parse(line)).toEqual(value);
  });
});
