import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { filesBelow, fingerprint, GitRepo } from '../../fakes/git-repo.js';
import { FarSide } from '../../sync/far-side.js';
import { Canary } from './canary.js';
import { olderGit, promise, trap } from './repo.js';
import { tried, type FaultOutcome } from '../ledger.js';

let side: FarSide;
let canary: Canary;
let secret: string;
beforeEach(() => {
  side = new FarSide();
  canary = new Canary(side.stateDir);
  secret = path.join(side.localHome, 'secret');
  writeFileSync(secret, 'a-secret-of-the-user\n');
  side.repo.write('f', 'x\n');
});
afterEach(() => {
  expect(canary.sang).toBe('');
  side.remove();
});

const note = (
  context: TestContext,
  fault: string,
  outcome: FaultOutcome = 'harmless',
  where = 'in the working tree here',
): void => tried(context, { fault, where, times: 1, outcome });

/** Syncs; the repository here must stay as it was, and both sides must be the same. */
async function lands(options: Parameters<FarSide['sync']>[0] = {}): Promise<void> {
  const before = fingerprint(side.repo.root);
  await side.sync(options);
  expect(side.there()).toEqual(side.here());
  expect(fingerprint(side.repo.root)).toBe(before);
}

const nested = (name: string): GitRepo => {
  const repo = GitRepo.init(path.join(side.repo.root, name), side.localHome);
  repo.write('inner', 'x\n');
  return repo;
};

describe('programs that a repository names', () => {
  it('are not run: not those of the repository, nor those of one nested in it', async (context) => {
    side.repo.commit();
    const inner = nested('inner');
    inner.commit();
    for (const repo of [side.repo, inner, nested('unborn')]) {
      trap(repo, canary.program);
      expect(canary.hears(() => repo.git('add', '-A'))).toBe(true);
    }
    await lands();
    expect(readFileSync(path.join(side.workspace, 'data.more'), 'utf8')).toBe('one\r\ntwo\n$Id$\n');
    side.repo.write('f', 'edited\n');
    inner.write('inner', 'edited\n');
    await lands();
    note(context, 'configuration, hooks and attributes that start programs');
  });

  it('are not run by one on the sidecar either', async (context) => {
    side.repo.write('.gitattributes', '* filter=trap diff=trap text eol=crlf ident\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    const clone = new GitRepo(side.workspace, side.home);
    trap(clone, canary.program);
    expect(canary.hears(() => clone.git('add', '-A'))).toBe(true);
    writeFileSync(path.join(side.workspace, 'f'), 'drift\n');
    const { drift } = await side.sync();
    expect(drift?.modified).toEqual(['.gitattributes', 'f']);
    expect(side.there()).toEqual(side.here());
    rmSync(path.join(side.home, '.local/state/sidecar'), { recursive: true });
    writeFileSync(path.join(side.workspace, 'f'), 'drift again\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    note(context, 'configuration, hooks and attributes that start programs', 'harmless', 'in the workspace');
  });

  it.for([
    ['a path', (source) => source],
    ['a helper of its own', (_, program) => `ext::${program} %S`],
    ['ssh', () => 'ssh://nowhere.invalid/x'],
  ] as [string, (source: string, program: string) => string][])(
    'are not run to fetch what a partial clone lacks, by %s, with a git that does not know how to do without',
    async ([, url], context) => {
      const path_ = [olderGit(side.stateDir), canary.directory, process.env['PATH'] ?? ''].join(':');
      const source = GitRepo.init(path.join(side.localHome, 'source'), side.localHome);
      source.write('f', 'x\n');
      source.git('config', 'uploadpack.allowFilter', 'true');
      source.commit();
      const options = { env: { ...side.repo.env, PATH: path_ }, farEnv: { PATH: path_ } };

      // Here: the commit of HEAD is not there, and the index names blobs that are not.
      promise(side.repo, canary.program, url(source.root, canary.program));
      writeFileSync(path.join(side.repo.root, '.git/refs/heads/main'), `${'1'.repeat(40)}\n`);
      side.repo.git('update-index', '--add', '--cacheinfo', `100644,${'2'.repeat(40)},absent`);
      expect(canary.hears(() => side.repo.git('cat-file', '-t', '2'.repeat(40)))).toBe(true);
      await side.sync(options);
      expect(filesBelow(side.workspace)).toEqual(['f']);
      expect(canary.sang).toBe('');

      // There: a clone without trees and files.
      for (const gone of [side.workspace, path.join(side.home, '.local')]) rmSync(gone, { recursive: true });
      side.far('git', 'clone', '-q', '--filter=tree:0', '--no-checkout', `file://${source.root}`, side.workspace);
      const clone = new GitRepo(side.workspace, side.home);
      promise(clone, canary.program, url(source.root, canary.program));
      expect(canary.hears(() => clone.git('diff-index', 'HEAD'))).toBe(true);
      await side.sync({ ...options, adopt: true });
      expect(filesBelow(side.workspace)).toEqual(['f']);
      note(context, 'missing objects that a fetch would start a program for', 'harmless', 'on both sides');
    },
  );

  it('are not run from the working tree, where PATH begins with the directory one is in', async (context) => {
    for (const name of ['git', 'sh', 'ssh']) {
      side.repo.write(name, `#!/bin/sh\nexec ${canary.program} ${name}\n`, 0o755);
    }
    await lands({ env: { ...side.repo.env, PATH: `.::bin:${process.env['PATH'] ?? ''}` } });
    note(context, 'programs called git and sh');
  });

  it('nor does what is in a file, or its name, become an argument of a program', async () => {
    const log = path.join(side.stateDir, 'arguments');
    const bin = path.join(side.stateDir, 'bin');
    mkdirSync(bin);
    for (const tool of ['git', 'sed', 'grep', 'awk', 'head', 'cmp']) {
      const real = execFileSync('sh', ['-c', `command -v ${tool}`])
        .toString()
        .trim();
      writeFileSync(path.join(bin, tool), `#!/bin/sh\nprintf '%s\\n' "${tool} $*" >>'${log}'\nexec ${real} "$@"\n`, {
        mode: 0o755,
      });
    }
    const withLog = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    side.repo.write('name-of-a-file', 'content-of-a-file\n');
    const options = { env: { ...side.repo.env, ...withLog }, farEnv: withLog };
    await side.sync(options);
    writeFileSync(path.join(side.workspace, 'name-of-a-file'), 'content-of-drift\n');
    await side.sync(options);
    expect(readFileSync(log, 'utf8')).toMatch(/^git .*reset/m);
    expect(readFileSync(log, 'utf8')).not.toMatch(/name-of-a-file|content-of/);
  });
});

describe('a repository that names another directory as its working tree', () => {
  it.for(['/', '..', '../../near', '../../near/secret', 'sub'])('is refused: %s', async (worktree, context) => {
    mkdirSync(path.join(side.repo.root, 'sub'));
    side.repo.git('config', 'core.worktree', path.resolve(side.repo.root, worktree));
    await expect(side.sync()).rejects.toMatchObject({ code: 'git.failed' });
    await expect(side.sync({ directory: path.join(side.repo.root, 'sub') })).rejects.toMatchObject({
      code: 'git.failed',
    });
    expect(existsSync(path.join(side.home, '.local'))).toBe(false);
    note(context, 'core.worktree elsewhere', 'refused, nothing changed');
  });

  it('is refused also where a repository stands there', async (context) => {
    GitRepo.init(side.localHome, side.localHome);
    const inside = GitRepo.init(path.join(side.localHome, 'download'), side.localHome);
    inside.write('f', 'x\n');
    inside.git('config', 'core.worktree', side.localHome);
    await expect(side.sync({ directory: inside.root })).rejects.toMatchObject({
      code: 'git.failed',
      facts: { reason: expect.stringContaining('names a working tree that it does not stand in') as string },
    });
    note(context, 'core.worktree elsewhere', 'refused, nothing changed');
  });

  it('lists its own directory when it is nested in another', async (context) => {
    nested('inner').git('config', 'core.worktree', side.localHome);
    writeFileSync(path.join(side.repo.root, 'inner/secret'), 'of its own\n');
    await side.sync();
    expect(side.there().map((line) => line.split(' ')[0])).toEqual(['f', 'inner/inner', 'inner/secret']);
    note(context, 'core.worktree elsewhere', 'harmless', 'in a nested repository');
  });

  it('may do so where that is true: a submodule, a linked worktree, a repository kept apart', async () => {
    side.repo.commit();
    const library = GitRepo.init(path.join(side.localHome, 'library'), side.localHome);
    library.write('code', 'x\n');
    library.commit();
    side.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.root, 'lib');
    const linked = path.join(side.localHome, 'linked');
    side.repo.git('worktree', 'add', '-q', linked);
    const apart = path.join(side.localHome, 'apart');
    side.repo.git('init', '-q', `--separate-git-dir=${path.join(side.localHome, 'apart.git')}`, apart);
    symlinkSync(path.join(side.repo.root, '.git'), path.join(side.localHome, 'library/link'));
    side.repo.git('config', 'core.worktree', side.repo.root);
    for (const directory of [path.join(side.repo.root, 'lib'), linked, apart, side.repo.root]) {
      expect((await side.sync({ directory })).verified).toBe(true);
    }
  });
});

it('a directory with a line break in its path is refused: git would seem to name another', async (context) => {
  const odd = new FarSide({ name: 'app\n/etc'.replace('/', '\u2215') });
  try {
    odd.repo.write('f', 'x\n');
    await expect(odd.sync({ workdir: 'app' })).rejects.toMatchObject({
      code: 'git.failed',
      facts: { reason: expect.stringContaining('line break') as string },
    });
    note(context, 'a path with a line break', 'refused, nothing changed');
  } finally {
    odd.remove();
  }
});
