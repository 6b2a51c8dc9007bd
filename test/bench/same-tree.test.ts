import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { assertSameTree } from './same-tree.js';

let place: Scratch;
let here: string;
let there: string;
beforeEach(() => {
  place = scratch();
  here = path.join(place.path, 'here');
  there = path.join(place.path, 'there');
  mkdirSync(path.join(here, 'lib'), { recursive: true });
  writeFileSync(path.join(here, 'lib/a.ts'), 'one\n');
  symlinkSync('lib/a.ts', path.join(here, 'link'));
  cpSync(here, there, { recursive: true, verbatimSymlinks: true });
});
afterEach(() => place.remove());

describe('two trees are the same', () => {
  it('when every file and link is, whatever their .git holds', () => {
    mkdirSync(path.join(here, '.git'));
    writeFileSync(path.join(here, '.git/HEAD'), 'ref: refs/heads/main\n');
    assertSameTree(here, there);
  });

  it.each<[string, (file: (name: string) => string) => void]>([
    ['one byte differs', (file) => writeFileSync(file('lib/a.ts'), 'ona\n')],
    ['a file is missing', (file) => rmSync(file('lib/a.ts'))],
    ['a file is left over', (file) => writeFileSync(file('lib/b.ts'), '')],
    ['an exec bit differs', (file) => chmodSync(file('lib/a.ts'), 0o755)],
    ['a link points elsewhere', (file) => relink(file('link'), 'lib')],
    ['a link stands for a file', (file) => relink(file('lib/a.ts'), '../link')],
  ])('but not when %s', (_, change) => {
    change((name) => path.join(there, name));
    expect(() => assertSameTree(here, there)).toThrow('is not equal to');
    expect(() => assertSameTree(there, here)).toThrow('is not equal to');
  });
});

function relink(file: string, target: string): void {
  rmSync(file);
  symlinkSync(target, file);
}
