import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

describe('with a memory, a snapshot hears of rules', () => {
  const home = (name: string): string => path.join(repo.env['HOME'] ?? '', name);

  it('that appear where git looks for the user’s own', async () => {
    await here.expectSeen(() => {
      mkdirSync(home('.config/git'), { recursive: true });
      writeFileSync(home('.config/git/ignore'), 'docs\n');
    });
  });

  it('in a file that the user’s settings begin to name', async () => {
    writeFileSync(home('rules'), 'docs\n');
    await here.expectSeen(() => repo.git('config', '--global', 'core.excludesFile', '~/rules'));
  });

  it('in a file that they name already', async () => {
    writeFileSync(home('rules'), 'nothing\n');
    repo.git('config', '--global', 'core.excludesFile', '~/rules');
    await here.expectSeen(() => writeFileSync(home('rules'), 'docs\n'));
  });

  it('by a file of settings that is included, and was not there', async () => {
    writeFileSync(home('rules'), 'docs\n');
    repo.git('config', '--global', 'include.path', '~/more');
    await here.expectSeen(() => writeFileSync(home('more'), '[core]\n\texcludesFile = ~/rules\n'));
  });

  it('that hold on one branch only', async () => {
    writeFileSync(home('rules'), 'docs\n');
    writeFileSync(home('more'), '[core]\n\texcludesFile = ~/rules\n');
    repo.git('config', '--global', 'includeIf.onbranch:other.path', home('more'));
    await here.expectSeen(() => repo.git('symbolic-ref', 'HEAD', 'refs/heads/other'));
  });

  it('of another user', async () => {
    await here.remembered();
    mkdirSync(here.beside('other/.config/git'), { recursive: true });
    writeFileSync(here.beside('other/.config/git/ignore'), 'docs\n');
    repo.env['HOME'] = here.beside('other');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });
});

describe('with a memory, a snapshot hears of repositories', () => {
  const nested = (name: string): GitRepo => GitRepo.init(at(name), repo.env['HOME'] ?? '');

  it('that appear in a directory', async () => {
    await here.remembered();
    nested('docs').write('.gitignore', 'd\n');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('without a commit, which get one', async () => {
    const inner = nested('unborn');
    inner.write('f.log', 'ignored only outside\n');
    await here.remembered();
    inner.git('add', '-A');
    inner.write('.gitignore', '*.log\nf\n');
    inner.commit();
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('and of their rules', async () => {
    const inner = nested('inner');
    inner.write('f', 'inner\n');
    inner.commit();
    inner.write('g', 'inner\n');
    inner.write('h', 'inner\n');
    await here.expectSeen(() => inner.write('.git/info/exclude', 'g\n'));
    await here.expectSeen(() => {
      writeFileSync(here.beside('inner-rules'), 'h\n');
      inner.git('config', 'core.excludesFile', here.beside('inner-rules'));
    });
  });

  it('that ignore another than the one around them', async () => {
    const inner = nested('inner');
    inner.write('.git/info/exclude', 'g\n');
    inner.write('f', 'inner\n');
    await here.expectSeen(() => {
      inner.write('g', 'ignored in there\n');
      inner.write('h.log', 'ignored only outside\n');
    });
  });

  it('that go', async () => {
    const inner = nested('inner');
    inner.write('.gitignore', 'f\n');
    inner.write('f.log', 'inner\n');
    await here.expectSeen(() => rmSync(at('inner/.git'), { recursive: true }));
  });

  it('of submodules that are checked out', async () => {
    const other = GitRepo.init(here.beside('other'), repo.env['HOME'] ?? '');
    other.write('f', 'of a submodule\n');
    other.commit();
    repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.root, 'module');
    repo.commit();
    repo.git('submodule', '--quiet', 'deinit', '-f', 'module');
    await here.expectSeen(() =>
      repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init'),
    );
    await here.expectSeen(() => writeFileSync(at('module/new'), 'in the submodule\n'));
  });

  it('and of another in the place of the whole', async () => {
    writeFileSync(at('f.log'), 'ignored\n');
    await here.expectSeen(() => {
      renameSync(at('.git'), here.beside('old.git'));
      repo.git('init', '-q');
      repo.git('add', '-f', 'f.log');
    });
  });

  it('of none: a directory that becomes one', async () => {
    rmSync(at('.git'), { recursive: true });
    await here.remembered();
    writeFileSync(at('f.log'), 'ignored\n');
    repo.git('init', '-q');
    repo.git('add', '-f', 'f.log');
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
  });

  it('that a linked worktree belongs to', async () => {
    repo.git('worktree', 'add', '-q', here.beside('linked'));
    repo = here.repo = new GitRepo(here.beside('linked'), repo.env['HOME'] ?? '');
    await here.expectSeen(() => writeFileSync(at('docs/new'), 'new\n'));
    writeFileSync(at('f.log'), 'ignored\n');
    await here.expectSeen(() => repo.git('add', '-f', 'f.log'));
  });
});

describe('with a memory, a snapshot of a sparse checkout', () => {
  it('keeps what is kept off the disk, and sees it come back', async () => {
    repo.git('sparse-checkout', 'set', 'src');
    const whole = await here.whole();
    await here.remembered();
    expect(await here.next()).toEqual(whole);
    mkdirSync(at('docs'));
    writeFileSync(at('docs/d'), 'another\n');
    const again = await here.both();
    expect(again.next).toEqual(again.whole);
    expect(again.next).not.toEqual(whole);
  });

  it('sees a path that no longer is', async () => {
    await here.remembered();
    repo.git('update-index', '--skip-worktree', 'docs/d');
    rmSync(at('docs/d'));
    const { next, whole } = await here.both();
    expect(next).toEqual(whole);
    await here.expectSeen(() => repo.git('update-index', '--no-skip-worktree', 'docs/d'));
  });
});
