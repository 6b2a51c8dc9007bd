import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Watcher } from '../../src/watch/file-events.js';
import { hurried, Watched } from './watched.js';

/** What every way to learn of changes promises: whatever changes lands. */
function sourceContract(start: (watched: Watched) => Promise<void>): void {
  let watched: Watched;
  let at: (file: string) => string;

  beforeEach(async () => {
    watched = new Watched();
    const { repo } = watched;
    at = (file) => path.join(repo.root, file);
    repo.write('.gitignore', 'node_modules/\n*.log\n');
    repo.write('file', 'one\n');
    repo.write('src/deep/file', 'one\n');
    repo.commit();
    await start(watched);
    await watched.inStep();
  });
  afterEach(() => watched[Symbol.asyncDispose]());

  const changes: readonly (readonly [string, () => void])[] = [
    ['an edit', () => watched.repo.write('file', 'two\n')],
    ['an edit deep down', () => watched.repo.write('src/deep/file', 'two\n')],
    ['a new file', () => watched.repo.write('new', 'x\n')],
    ['a new file among new directories', () => watched.repo.write('a/b/c/d/new', 'x\n')],
    ['a file that is gone', () => rmSync(at('file'))],
    ['a directory that is gone', () => rmSync(at('src'), { recursive: true })],
    ['a file of another name', () => renameSync(at('file'), at('other'))],
    ['a directory of another name', () => renameSync(at('src'), at('lib'))],
    ['a file that became a program', () => chmodSync(at('file'), 0o755)],
    ['a link', () => symlinkSync('file', at('link'))],
    ['an ignored file that is tracked from now on', trackIgnored],
    ['an ignore rule', () => watched.repo.write('.gitignore', 'node_modules/\n*.log\nsrc/\n')],
    ['a private ignore rule', () => watched.repo.write('.git/info/exclude', 'untracked\n')],
    ['a branch', switchBranch],
  ];

  function trackIgnored(): void {
    watched.repo.write('x.log', 'x\n');
    watched.repo.git('add', '-f', 'x.log');
  }

  function switchBranch(): void {
    watched.repo.git('checkout', '-q', '-b', 'other');
    watched.repo.write('src/deep/file', 'three\n');
    watched.repo.commit();
    watched.repo.git('checkout', '-q', 'main');
    watched.repo.git('checkout', '-q', 'other');
  }

  it.each(changes)('lands %s', async (_, change) => {
    change();
    await watched.inStep();
  });

  it('goes on to land what changes in directories that appeared all at once', async () => {
    watched.repo.write('a/b/c/d/new', 'one\n');
    await watched.inStep();
    const elsewhere = watched.directory('elsewhere/x/y');
    mkdirSync(path.join(elsewhere, 'z'));
    renameSync(watched.directory('elsewhere'), at('moved'));
    watched.repo.write('file', 'with it\n');
    await watched.inStep();
    watched.repo.write('a/b/c/d/new', 'two\n');
    await watched.inStep();
    watched.repo.write('moved/x/y/z/file', 'x\n');
    await watched.inStep();
  });

  it('goes on to land what changes in a directory that was ignored before', async () => {
    watched.repo.write('node_modules/p/q/file', 'x\n');
    watched.repo.write('.gitignore', '*.log\n');
    await watched.inStep();
    watched.repo.write('node_modules/p/q/file', 'y\n');
    await watched.inStep();
    expect(watched.here().join()).toContain('node_modules/p/q/file');
  });

  it('lands nothing for what is ignored', async () => {
    const before = watched.landings.length;
    watched.repo.write('x.log', 'x\n');
    watched.repo.write('node_modules/p/q/file', 'x\n');
    // Another change afterwards, which lands, ends the wait for one that must not.
    watched.repo.write('file', 'two\n');
    await watched.inStep();
    expect(watched.landings.length - before).toBeLessThanOrEqual(2);
    expect(watched.landings.at(-1)?.join()).not.toContain('x.log');
  });

  it('loses nothing that changes while the first landing goes on', async () => {
    await using other = new Watched();
    other.repo.write('file', 'one\n');
    other.onLand = () => {
      if (other.landings.length === 0) other.repo.write('file', 'two\n');
    };
    await start(other);
    await other.until(() => other.landings.length > 0);
    await other.inStep();
  });
}

describe('file events', () => {
  sourceContract((watched) => watched.start());
});

describe('looks at the tree, where there are no events', () => {
  const load = (): Promise<Watcher> =>
    Promise.reject(new Error('No prebuild or local build found.\nTried everything.'));
  sourceContract((watched) => watched.start({ load, clock: hurried(20) }));

  it('are announced once, with the reason', async () => {
    await using watched = new Watched();
    await watched.start({ load, clock: hurried(20) });
    await watched.until(() => watched.looks > 2);
    const directory = watched.repo.root;
    const reason = 'No prebuild or local build found.';
    expect(watched.events.filter(({ kind }) => kind === 'watch.polling')).toEqual([
      { kind: 'watch.polling', directory, reason },
    ]);
  });
});
