import { describe, expect, it } from 'vitest';
import { joinNul, splitNul, toText, unquote } from '../../src/git/path-bytes.js';

describe('a path in git output', () => {
  it('is unquoted to its bytes', () => {
    expect(unquote('plain')).toBe('plain');
    expect(unquote('"caf\\303\\251"')).toBe('caf\u00c3\u00a9');
    expect(unquote('"a\\tb\\nc\\"d\\\\e"')).toBe('a\tb\nc"d\\e');
  });

  it('is left alone when a quote is part of an unquoted name', () => {
    expect(unquote('"')).toBe('"');
  });
});

describe('a path shown', () => {
  it('is text where its bytes are UTF-8', () => {
    expect(toText(Buffer.from('café ✓').toString('latin1'))).toBe('café ✓');
  });

  it('keeps a replacement character that is really there', () => {
    expect(toText(Buffer.from('a\ufffdb').toString('latin1'))).toBe('a\ufffdb');
  });

  it('is quoted as git does where they are not, and loses nothing', () => {
    const latin1 = 'caf\u00e9 "x"';
    expect(toText(latin1)).toBe('"caf\\351 \\"x\\""');
    expect(unquote(toText(latin1))).toBe(latin1);
  });
});

describe('lists separated by NUL', () => {
  it('come back as they were, newlines and Latin-1 bytes included', () => {
    const paths = ['a\nb', 'caf\u00e9', ' x ', '-q'];
    expect(splitNul(joinNul(paths))).toEqual(paths);
    expect(splitNul(Buffer.alloc(0))).toEqual([]);
  });
});
