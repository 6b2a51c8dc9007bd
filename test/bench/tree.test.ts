import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateTree, type TreeEntry } from './tree.js';

function digest(entries: Iterable<TreeEntry>): string {
  const hash = createHash('sha256');
  for (const entry of entries) {
    hash.update(`${entry.kind} ${entry.path}\0`);
    hash.update(entry.kind === 'link' ? entry.target : entry.content);
  }
  return hash.digest('hex');
}

describe('a generated tree', () => {
  it('is the same, byte for byte, for the same size and seed', () => {
    expect(digest(generateTree(500, 7))).toBe(digest(generateTree(500, 7)));
  });

  it('is another one for another seed', () => {
    expect(digest(generateTree(500, 7))).not.toBe(digest(generateTree(500, 8)));
  });

  it('has as many paths as asked for, and none twice', () => {
    const paths = [...generateTree(1_000)].map((entry) => entry.path);
    expect(paths).toHaveLength(1_000);
    expect(new Set(paths).size).toBe(1_000);
  });

  it('has the sizes and the depth of a repository of source code', () => {
    const entries = [...generateTree(2_000)];
    const bytes = entries.map((entry) => (entry.kind === 'link' ? 0 : entry.content.length)).sort((a, b) => a - b);
    expect(bytes[1_000]).toBeGreaterThan(1_200);
    expect(bytes[1_000]).toBeLessThan(2_000);
    const mean = bytes.reduce((sum, each) => sum + each, 0) / bytes.length;
    expect(mean).toBeGreaterThan(3_500);
    expect(mean).toBeLessThan(5_500);
    const depths = entries.map((entry) => entry.path.split('/').length - 1).sort((a, b) => a - b);
    expect(depths[200]).toBeGreaterThanOrEqual(2);
    expect(depths[1_800]).toBeLessThanOrEqual(6);
  });

  it('holds text, programs, binaries, links and empty files', () => {
    const entries = [...generateTree(2_000)];
    expect(new Set(entries.map((entry) => entry.kind))).toEqual(new Set(['text', 'binary', 'link']));
    expect(entries.some((entry) => entry.kind === 'text' && entry.executable)).toBe(true);
    expect(entries.some((entry) => entry.kind === 'text' && entry.content === '')).toBe(true);
  });
});
