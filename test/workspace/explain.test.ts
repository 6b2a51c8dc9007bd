import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendRulesOf, type SendRules } from '../../src/git/send-rules.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { explainPath, type PathExplained } from '../../src/workspace/explain.js';
import { FarSide } from '../sync/far-side.js';
import { GitRepo } from '../fakes/git-repo.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('tracked', 'x\n');
  side.repo.write('dir/built.log', 'x\n');
  side.repo.commit();
  side.repo.write('.gitignore', '# what is built\n*.log\n!keep.log\n/cache/\n');
});
afterEach(() => side.remove());

const here = (file: string): string => path.join(side.repo.root, file);

async function explain(file: string, rules?: SendRules): Promise<PathExplained> {
  const { env } = side.repo;
  const tree = await findWorkingTree(side.repo.root, { env });
  return explainPath(tree, path.resolve(tree.root, file), {
    env,
    stateDir: side.stateDir,
    ...(rules === undefined ? {} : { rules }),
  });
}

const inGitignore = (line: number, pattern: string) => ({ rule: { file: '.gitignore', line, pattern } });

describe('a path is sent', () => {
  it('that git tracks, even where a rule would ignore it', async () => {
    expect(await explain('tracked')).toEqual({ path: 'tracked', sent: true, reason: 'tracked' });
    expect(await explain('dir/built.log')).toEqual({
      ...{ path: 'dir/built.log', sent: true, reason: 'tracked-ignored' },
      ...inGitignore(2, '*.log'),
    });
  });

  it('that git does not know and no rule ignores, or a rule takes back in', async () => {
    side.repo.write('new', '');
    side.repo.write('keep.log', '');
    expect(await explain('new')).toEqual({ path: 'new', sent: true, reason: 'untracked' });
    expect(await explain('keep.log')).toMatchObject({
      sent: true,
      reason: 'untracked',
      ...inGitignore(3, '!keep.log'),
    });
  });

  it('that is a directory with something in it, or the working tree itself', async () => {
    expect(await explain('dir')).toMatchObject({ sent: true, reason: 'directory', files: 1 });
    expect(await explain('.')).toMatchObject({ path: '.', sent: true, reason: 'directory', files: 3 });
  });

  it('that a sparse checkout keeps off the disk', async () => {
    side.repo.git('update-index', '--skip-worktree', 'tracked');
    rmSync(here('tracked'));
    expect(await explain('tracked')).toMatchObject({ sent: true, reason: 'sparse' });
  });

  it('of a nested repository, by the rules of that', async () => {
    const nested = GitRepo.init(here('nested'), side.localHome);
    nested.write('.gitignore', '*.tmp\n');
    nested.write('f', 'x');
    nested.write('x.tmp', 'x');
    expect(await explain('nested/f')).toMatchObject({ sent: true, reason: 'untracked', repository: 'nested/' });
    const rule = { file: 'nested/.gitignore', line: 1, pattern: '*.tmp' };
    expect(await explain('nested/x.tmp')).toMatchObject({ sent: false, reason: 'ignored', rule });
    expect(await explain('nested')).toMatchObject({ sent: true, reason: 'directory', files: 2 });
  });
});

describe('a path is not sent', () => {
  it('that is ignored, by itself, by a directory, or by a file outside the working tree', async () => {
    side.repo.write('x.log', '');
    side.repo.write('cache/deep/x', '');
    side.repo.write('.git/info/exclude', '*.tmp\n');
    side.repo.write('x.tmp', '');
    mkdirSync(path.join(side.localHome, '.config/git'), { recursive: true });
    writeFileSync(path.join(side.localHome, '.config/git/ignore'), '\n*.swp\n');
    side.repo.write('x.swp', '');
    expect(await explain('x.log')).toEqual({
      path: 'x.log',
      sent: false,
      reason: 'ignored',
      ...inGitignore(2, '*.log'),
    });
    for (const file of ['cache', 'cache/deep', 'cache/deep/x']) {
      expect(await explain(file)).toMatchObject({ sent: false, reason: 'ignored', ...inGitignore(4, '/cache/') });
    }
    expect(await explain('x.tmp')).toMatchObject({ reason: 'ignored', rule: { file: '.git/info/exclude', line: 1 } });
    const rule = { file: path.join(side.localHome, '.config/git/ignore'), line: 2, pattern: '*.swp' };
    expect(await explain('x.swp')).toMatchObject({ reason: 'ignored', rule });
  });

  it('that is not there, or outside, or git’s own', async () => {
    rmSync(here('tracked'));
    expect(await explain('tracked')).toMatchObject({ sent: false, reason: 'deleted' });
    expect(await explain('nothing')).toMatchObject({ sent: false, reason: 'absent' });
    expect(await explain('nothing.log')).toMatchObject({ sent: false, reason: 'absent', ...inGitignore(2, '*.log') });
    expect(await explain('../other')).toMatchObject({ path: path.resolve(here('../other')), reason: 'outside' });
    for (const file of ['.git', '.git/config']) {
      expect(await explain(file)).toMatchObject({ sent: false, reason: 'git-directory' });
    }
  });

  it('that is no file, leads through a link, or is a directory with nothing in it', async () => {
    execFileSync('mkfifo', [here('pipe')]);
    symlinkSync('dir', here('link'));
    mkdirSync(here('empty'));
    side.repo.write('built/x.log', '');
    expect(await explain('pipe')).toMatchObject({ sent: false, reason: 'fifo' });
    expect(await explain('link')).toMatchObject({ sent: true, reason: 'untracked' });
    expect(await explain('link/built.log')).toMatchObject({ sent: false, reason: 'behind-link', link: 'link' });
    expect(await explain('empty')).toMatchObject({ sent: false, reason: 'empty-directory' });
    expect(await explain('built')).toMatchObject({ sent: false, reason: 'nothing-sent' });
  });

  it('that is a submodule which is not checked out', async () => {
    const id = side.repo.git('rev-parse', 'HEAD');
    side.repo.git('update-index', '--add', '--cacheinfo', `160000,${id},sub`);
    mkdirSync(here('sub'));
    expect(await explain('sub')).toMatchObject({ sent: false, reason: 'absent-submodule' });
  });

  it.skipIf(process.getuid?.() === 0)('that cannot be read', async () => {
    chmodSync(here('tracked'), 0);
    expect(await explain('tracked')).toMatchObject({ sent: false, reason: 'unreadable' });
  });
});

describe('outside of any repository', () => {
  it('ignore files count, and nothing is tracked', async () => {
    rmSync(here('.git'), { recursive: true });
    side.repo.write('x.log', '');
    expect(await explain('tracked')).toMatchObject({ sent: true, reason: 'untracked' });
    expect(await explain('x.log')).toMatchObject({ sent: false, reason: 'ignored', ...inGitignore(2, '*.log') });
  });
});

describe('the settings', () => {
  const inSettings = (line: number, pattern: string) => ({ pattern, file: here('.sidecar.json'), line });
  const shown = (line: number, pattern: string) => ({ rule: { file: '.sidecar.json', line, pattern } });

  it('decide before git does, by the pattern that is named', async () => {
    const rules = sendRulesOf(side.repo.root, {
      ignore: [inSettings(2, '/dir/'), inSettings(3, 'tracked')],
      include: [inSettings(5, 'new.log'), inSettings(6, 'cache/deep/*.json')],
    });
    for (const file of ['new.log', 'cache/deep/a.json', 'cache/deep/b', 'cache/c/a.json']) side.repo.write(file, '');
    const ignored = { sent: false, reason: 'ignored-by-settings' };
    expect(await explain('tracked', rules)).toEqual({ path: 'tracked', ...ignored, ...shown(3, 'tracked') });
    expect(await explain('dir/built.log', rules)).toMatchObject({ ...ignored, ...shown(2, '/dir/') });
    expect(await explain('dir', rules)).toMatchObject({ ...ignored, ...shown(2, '/dir/') });
    expect(await explain('new.log', rules)).toMatchObject({ sent: true, reason: 'included', ...shown(5, 'new.log') });
    const deep = { sent: true, reason: 'included', ...shown(6, 'cache/deep/*.json') };
    expect(await explain('cache/deep/a.json', rules)).toMatchObject(deep);
    const byGit = { sent: false, reason: 'ignored', ...inGitignore(4, '/cache/') };
    expect(await explain('cache/deep/b', rules)).toMatchObject(byGit);
  });

  it('look into no directory that git ignores, unless a pattern spells it out', async () => {
    const rules = sendRulesOf(side.repo.root, { ignore: [], include: [inSettings(5, '.env.local')] });
    side.repo.write('cache/.env.local', '');
    expect(await explain('cache/.env.local', rules)).toMatchObject({
      ...{ sent: false, reason: 'included-in-vain' },
      ...inGitignore(4, '/cache/'),
    });
  });
});
