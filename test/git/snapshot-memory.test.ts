import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Local } from '../../src/sync/prepare.js';
import { GitRepo } from '../fakes/git-repo.js';
import { Remembering } from './remembering.js';

let here: Remembering;
let repo: GitRepo;
beforeEach(() => {
  here = new Remembering();
  repo = here.repo;
});
afterEach(() => here.remove());

const at = (name: string): string => path.join(repo.root, name);

describe('with a memory, a snapshot sees', () => {
  it.each<[string, () => unknown]>([
    ['a file that appears', () => writeFileSync(at('src/new'), 'new\n')],
    ['a file that goes', () => rmSync(at('src/a'))],
    ['a file that is renamed', () => renameSync(at('src/a'), at('src/z'))],
    ['a file that moves to where the listing has been', () => renameSync(at('src/deep/er/c'), at('docs/c'))],
    ['an exec bit', () => chmodSync(at('src/a'), 0o755)],
    ['a write through another name of the same file', () => writeThroughLink()],
    ['a write through a mapping, after which the time is put back', () => writeInPlace()],
    ['a directory that is renamed', () => renameSync(at('src/deep'), at('src/deeper'))],
    ['a directory that goes', () => rmSync(at('src/deep'), { recursive: true })],
    ['directories that appear with a file', () => repo.write('src/x/y/z', 'new\n')],
    ['a file that becomes a link', () => replaceByLink('src/a', 'b')],
    ['a file that becomes a directory', () => replaceByDirectory('src/a')],
    ['a directory that becomes a link to itself elsewhere', () => replaceDirectoryByLink()],
    ['a file that becomes a pipe', () => replaceByPipe('src/a')],
    ['a pipe that appears', () => execFileSync('mkfifo', [at('src/pipe')])],
    ['a rule in an ignore file that is edited in place', () => appendRule('.gitignore', '/docs/\n')],
    ['an ignore file that appears', () => writeFileSync(at('src/.gitignore'), 'a\n')],
    ['an ignore file that goes', () => rmSync(at('.gitignore'))],
    ['a rule in info/exclude', () => appendRule('.git/info/exclude', '/docs/\n')],
    ['a rule that lets in what was ignored', () => appendRule('.gitignore', '!/build/\n')],
    ['a commit that takes a file from the index', () => noLongerTracked()],
    ['an ignored file that becomes tracked', () => repo.git('add', '-f', 'build/out')],
    ['another branch', () => otherBranch()],
    ['a stash', () => stash()],
    ['a reset', () => repo.git('reset', '-q', '--hard', emptyCommit())],
  ])('%s', async (_, change) => {
    await here.expectSeen(change);
  });

  it('a name that differs in case alone, where git takes it for the same', async () => {
    repo.git('config', 'core.ignoreCase', 'true');
    await here.remembered();
    writeFileSync(at('src/A'), 'is it another?\n');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('a file that changes again while the snapshot is being stored', async () => {
    await here.remembered();
    writeFileSync(at('src/a'), 'edited\n');
    await here.settle();
    let forecast: Local | undefined;
    await here.next((local) => {
      forecast = local;
      writeFileSync(at('src/a'), 'edited again\n');
    });
    // What was told of is there to be built on, whatever became of the file.
    const { shadow, landing } = forecast ?? {};
    expect(execFileSync('git', [`--git-dir=${shadow?.gitDir}`, 'cat-file', '-p', `${landing}:src/a`]).toString()).toBe(
      'edited\n',
    );
    await here.settle();
    expect((await here.next()).tree).toBe((await here.whole()).tree);
  });

  it('names that are no ASCII, and no text', async () => {
    await here.expectSeen(() => repo.write(Buffer.from('src/caf\xe9', 'latin1'), 'latin1\n'));
    await here.expectSeen(() => writeFileSync(at('src/café'), 'utf-8\n'));
  });

  it('a file in a directory that is ignored, and has a tracked one', async () => {
    repo.git('add', '-f', 'build/out');
    await here.expectSeen(() => {
      writeFileSync(at('build/more'), 'ignored\n');
      writeFileSync(at('build/out'), 'edited\n');
    });
  });

  it('a file in a directory that was empty', async () => {
    mkdirSync(at('empty/inner'), { recursive: true });
    await here.expectSeen(() => writeFileSync(at('empty/inner/new'), 'new\n'));
  });

  it('a file in a directory that held only ignored ones', async () => {
    repo.write('logs/old.log', 'ignored\n');
    await here.expectSeen(() => writeFileSync(at('logs/new'), 'new\n'));
  });

  it('that an empty directory which ignored all in it no longer does', async () => {
    repo.write('venv/.gitignore', '*\n');
    repo.write('venv/lib/code', 'ignored\n');
    await here.expectSeen(() => writeFileSync(at('venv/.gitignore'), '/bin\n'));
  });

  it('an ignore file in a directory that is ignored', async () => {
    await here.expectSeen(() => writeFileSync(at('build/.gitignore'), '*.o\n'));
  });

  it('a directory replaced by a link, and back', async () => {
    await here.expectSeen(() => replaceDirectoryByLink());
    await here.expectSeen(() => {
      rmSync(at('src'));
      renameSync(here.beside('elsewhere'), at('src'));
    });
  });

  it('two directories that change places', async () => {
    repo.write('one/f', 'one\n');
    repo.write('two/f', 'two\n');
    await here.expectSeen(() => {
      renameSync(at('one'), at('three'));
      renameSync(at('two'), at('one'));
      renameSync(at('three'), at('two'));
    });
  });

  it('a file that cannot be read any more', async () => {
    if (process.getuid?.() === 0) return; // root reads everything
    await here.remembered();
    chmodSync(at('src/a'), 0);
    await expect(here.next()).rejects.toMatchObject({ code: 'sync.unreadable' });
    chmodSync(at('src/a'), 0o644);
  });

  it('an edit after the clock was set back', async () => {
    await here.remembered();
    const past = new Date('2001-01-01T00:00:00Z');
    writeFileSync(at('src/new'), 'new\n');
    utimesSync(at('src/new'), past, past);
    utimesSync(at('src'), past, past);
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });
});

function writeThroughLink(): void {
  linkSync(at('src/a'), here.beside('another-name'));
  writeFileSync(here.beside('another-name'), 'edited\n');
}

function writeInPlace(): void {
  const file = openSync(at('src/a'), 'r+');
  ftruncateSync(file, 0);
  writeSync(file, 'in place\n');
  closeSync(file);
  utimesSync(at('src/a'), new Date(0), new Date(0));
}

function replaceByLink(name: string, target: string): void {
  rmSync(at(name));
  symlinkSync(target, at(name));
}

function replaceByDirectory(name: string): void {
  rmSync(at(name));
  repo.write(`${name}/inside`, 'new\n');
}

function replaceByPipe(name: string): void {
  rmSync(at(name));
  execFileSync('mkfifo', [at(name)]);
}

function replaceDirectoryByLink(): void {
  renameSync(at('src'), here.beside('elsewhere'));
  symlinkSync(here.beside('elsewhere'), at('src'));
}

function appendRule(file: string, rule: string): void {
  writeFileSync(at(file), rule, { flag: 'a' });
}

function noLongerTracked(): void {
  repo.git('rm', '-q', '--cached', 'src/a');
  appendRule('.git/info/exclude', '/src/a\n');
}

function otherBranch(): void {
  repo.git('checkout', '-q', '-b', 'other');
  repo.write('src/only-here', 'on another branch\n');
  repo.commit();
}

function stash(): void {
  writeFileSync(at('src/a'), 'stashed\n');
  writeFileSync(at('src/new'), 'stashed\n');
  repo.git('stash', '-q', '-u');
  rmSync(at('docs'), { recursive: true });
}

function emptyCommit(): string {
  const tree = execFileSync('git', ['mktree'], { cwd: repo.root, env: repo.env, input: '' }).toString().trim();
  return repo.git('commit-tree', '-m', 'nothing', tree);
}
