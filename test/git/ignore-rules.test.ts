import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { joinIgnoreFiles } from '../../src/git/ignore-rules.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';

let home: Scratch;
beforeEach(() => {
  home = scratch();
});
afterEach(() => home.remove());

/** What git lists as untracked, with the ignore files in their places or with one joined list. */
function untracked(
  files: Record<string, string>,
  ignores: Record<string, string>,
): { placed: string[]; joined: string[] } {
  const list = (name: string, options: (repo: GitRepo) => string[]): string[] => {
    const repo = GitRepo.init(path.join(home.path, name), home.path);
    for (const [file, content] of Object.entries(files)) repo.write(file, content);
    const args = options(repo);
    return repo
      .git('ls-files', '-o', ...args)
      .split('\n')
      .filter((file) => !file.endsWith('.gitignore'));
  };
  const placed = list('placed', (repo) => {
    for (const [directory, content] of Object.entries(ignores)) repo.write(`${directory}.gitignore`, content);
    return ['--exclude-standard'];
  });
  const joined = list('joined', () => {
    const entries = Object.entries(ignores).map(([directory, content]) => ({
      directory,
      content: Buffer.from(content),
    }));
    const rules = path.join(home.path, 'rules');
    writeFileSync(rules, joinIgnoreFiles(entries, []));
    return ['-X', rules];
  });
  return { placed, joined };
}

const everything = Object.fromEntries(
  ['', 'a/', 'a/b/', 'a b/', 'x[1]/', 'a/keep/', 'logs/', 'a/logs/'].flatMap((directory) =>
    ['f.log', 'keep.log', 'out/o', 'sub/out/o', '#hash', '!bang', 'trail ', 'x.tmp', 'doc/frotz/f'].map((file) => [
      directory + file,
      '',
    ]),
  ),
);

describe('joined ignore files', () => {
  const cases: [string, Record<string, string>][] = [
    ['an unanchored pattern below a directory', { 'a/': '*.log\n' }],
    ['a pattern anchored by a leading slash', { 'a/': '/out\n' }],
    ['a pattern anchored by a slash in the middle', { 'a/': 'sub/out\ndoc/frotz/\n' }],
    ['a directory pattern', { 'a/': 'out/\n', '': 'logs/\n' }],
    ['a deeper file that takes a pattern back', { '': '*.log\n', 'a/': '!keep.log\n' }],
    ['a deeper file that ignores again', { '': '*.log\n', 'a/': '!*.log\n', 'a/b/': 'f.log\n' }],
    ['escaped marks', { 'a/': '\\#hash\n\\!bang\n# a comment\n\n' }],
    ['trailing spaces, escaped and not', { 'a/': 'trail\\ \nx.tmp   \n' }],
    ['carriage returns and a byte order mark', { 'a/': '\ufeffx.tmp\r\n*.log\r\n' }],
    ['double stars', { 'a/': '**/out\nsub/**\n' }],
    ['directories with blanks and brackets in their names', { 'a b/': '*.log\n', 'x[1]/': '/out\n' }],
    ['everything but one', { 'a/': '*\n!keep.log\n!keep/\n' }],
  ];
  it.each(cases)('ignore as the files did: %s', (_, ignores) => {
    const { placed, joined } = untracked(everything, ignores);
    expect(joined).toEqual(placed);
  });

  it('hide the directories that are named to be left out', () => {
    const rules = joinIgnoreFiles([], ['vendor/lib*/']).toString();
    expect(rules).toBe('/vendor/lib\\*/\n');
    const repo = GitRepo.init(path.join(home.path, 'r'), home.path);
    mkdirSync(path.join(home.path, 'r', 'vendor'));
    repo.write('vendor/lib*/f', '');
    repo.write('vendor/libx/f', '');
    writeFileSync(path.join(home.path, 'rules'), rules);
    const listed = execFileSync('git', ['ls-files', '-o', '-X', '../rules'], { cwd: repo.root, env: repo.env });
    expect(listed.toString()).toBe('vendor/libx/f\n');
  });
});
