import { describe, expect, it } from 'vitest';
import { branchChange, renamedDirectory, spread, switchedFiles } from './history.js';

const paths = Array.from({ length: 700 }, (_, index) => `lib/${index % 7}/file${index}.ts`);

it('a branch switch touches 2,000 files, and a seventh of a small tree', () => {
  expect([1_000, 14_000, 100_000].map(switchedFiles)).toEqual([143, 2_000, 2_000]);
});

describe('what a branch changes', () => {
  it('is as many files as asked for, each of them once', () => {
    const { edited, removed, added } = branchChange(paths, 100);
    expect([edited.length, removed.length, added.length]).toEqual([90, 5, 5]);
    expect(new Set([...edited, ...removed, ...added]).size).toBe(100);
    expect(added.filter((each) => paths.includes(each))).toEqual([]);
  });

  it('is the same each time', () => {
    expect(branchChange(paths, 100)).toEqual(branchChange(paths, 100));
  });
});

it('files are chosen all over the tree, others for another seed, never more than there are', () => {
  const chosen = spread(paths, 100, 1);
  for (let at = 0; at < paths.length; at += 14) {
    expect(chosen.some((each) => paths.slice(at, at + 14).includes(each))).toBe(true);
  }
  expect(new Set(chosen).size).toBe(100);
  expect(spread(paths, 100, 2)).not.toEqual(chosen);
  expect(spread(paths, 9_999, 1).toSorted()).toEqual(paths.toSorted());
});

it('the directory that is renamed holds about a twentieth of the files, further down too', () => {
  const lone = Array.from({ length: 60 }, (_, index) => `big/${index}`);
  const few = ['small/a', 'small/b/c', 'small/b/d', 'top'];
  expect(renamedDirectory([...lone, ...few])).toBe('small');
});
