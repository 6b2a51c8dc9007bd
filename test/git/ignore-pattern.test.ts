import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patternSource, seenFrom, spelledDirectories } from '../../src/git/ignore-pattern.js';
import { patternFault } from '../../src/sidecars/pattern-rule.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

const names = ['a', 'b', 'ab', 'a.b', '[a]', 'a*', '-', '!a', ' a'];
const files = names.flatMap((one) => [one + '.f', ...names.map((two) => `${one}/${two}`)]);
const deeper = ['a/b.d/ab/a', 'ab/d/d/a.b', 'b/d/a', 'a.b/d/b/ab'];
const all = [...files.map((file) => file.replace('/', '.d/')), ...deeper];

/** Parts that make odd patterns likely. */
const part = fc.constantFrom(
  ...['a', 'b', 'ab', '.', 'd', '.d', '*', '**', '***', '?', '/', '/**/', '**/', '/*', '\\a', '\\*', '\\', '-', ' '],
  ...[
    '[a]',
    '[!a]',
    '[^a]',
    '[a-b]',
    '[]a]',
    '[',
    '[a',
    ']',
    '[[:alpha:]]',
    '[[:no:]]',
    '[\\]a]',
    '[b-a]',
    '[a-]',
    '[!]',
  ],
);
const pattern = fc
  .array(part, { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => !text.startsWith('!'));

/** As settings take them. */
const usable = pattern.filter((text) => patternFault(text) === undefined);

describe('a pattern', () => {
  let home: Scratch;
  let repo: GitRepo;
  beforeAll(() => {
    home = scratch();
    repo = GitRepo.init(path.join(home.path, 'app'), home.path);
    for (const file of all) repo.write(file, '');
  });
  afterAll(() => home.remove());

  /** What git takes for ignored where this is its only rule. */
  const byGit = (rule: string, directory = ''): string[] =>
    repo
      .bytes('ls-files', '-z', '-o', '-i', '-x', rule)
      .toString('latin1')
      .split('\0')
      .filter((file) => file !== '' && file.startsWith(directory));

  const byUs = (rules: readonly string[], paths: readonly string[]): string[] => {
    const matchers = rules.map((rule) => new RegExp(patternSource(rule), 's'));
    return paths.filter((file) => matchers.some((matcher) => matcher.test(file)));
  };

  it('matches what it matches to git', () => {
    fc.assert(
      fc.property(pattern, (rule) => {
        expect(byUs([rule], all).sort(), rule).toEqual(byGit(rule).sort());
      }),
      { numRuns: 150 },
    );
  });

  it('means the same to one who only knows what is below a directory', () => {
    const directories = [...new Set(all.map((file) => file.slice(0, file.indexOf('/') + 1)))].filter(
      (one) => one !== '',
    );
    fc.assert(
      fc.property(usable, fc.constantFrom(...directories, 'a/b.d/'), (rule, directory) => {
        const below = all.filter((file) => file.startsWith(directory));
        const seen = byUs(
          seenFrom(directory, rule),
          below.map((file) => file.slice(directory.length)),
        );
        expect(seen.map((file) => directory + file).sort(), `${rule} in ${directory}`).toEqual(
          byUs([rule], below).sort(),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('is matched without trying anything twice, however many stars it has', () => {
    const name = 'a'.repeat(250);
    const deep = 'a/'.repeat(1_500);
    const paths = [name, `${deep}${name}`, deep];
    const stars = [
      `${'*a'.repeat(30)}b`,
      `${'**/a/'.repeat(30)}b`,
      `${'**/*a*a*a/'.repeat(20)}b`,
      `/${'**/'.repeat(40)}b`,
    ];
    expect(byUs(stars, paths)).toEqual([]);
    expect(stars.flatMap((rule) => seenFrom(deep, rule)).length).toBeGreaterThan(0);
  });

  it('spells out the directories before its first wildcard, and those of a name at any depth not at all', () => {
    expect(spelledDirectories('config/local/*.secret')).toEqual(['config/', 'config/local/']);
    expect(spelledDirectories('/dist/a/b')).toEqual(['dist/', 'dist/a/']);
    expect(spelledDirectories('packages/*/dist/x')).toEqual(['packages/']);
    expect(spelledDirectories('.env.local')).toEqual([]);
    expect(spelledDirectories('generated/')).toEqual([]);
    expect(spelledDirectories('**/x/y')).toEqual([]);
  });
});
