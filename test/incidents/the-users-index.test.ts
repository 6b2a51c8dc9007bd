import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, GitRepo } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const gitDir = (): string => path.join(side.repo.root, '.git');
const there = (file: string): string => readFileSync(path.join(side.workspace, file), 'utf8');

describe('the user’s index', () => {
  // CircleCI-Public/chunk-cli: `add -N` before each diff, undone afterwards if nothing went wrong in between.
  it('is the same, byte for byte, after a sync that was cut off', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    for (let file = 0; file < 50; file += 1)
      side.repo.write(`untracked-${String(file)}`, `${String(file)}\n`.repeat(99));
    const before = fingerprint(gitDir());
    for (const sentBytes of [100, 16_000, 20_000]) await side.sync({ cut: { sentBytes } }).catch(() => undefined);
    expect(fingerprint(gitDir())).toBe(before);
    expect(existsSync(path.join(gitDir(), 'index.lock'))).toBe(false);
  });

  it('may be locked by a git that died: the sync goes on, and leaves the lock to its owner', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    writeFileSync(path.join(gitDir(), 'index.lock'), 'half an index');
    side.repo.write('untracked', 'y\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(readFileSync(path.join(gitDir(), 'index.lock'), 'utf8')).toBe('half an index');
  });

  it('may be damaged or missing: git says so, or the tree lands', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    await side.sync();
    writeFileSync(path.join(gitDir(), 'index'), 'garbage');
    await expect(side.sync()).rejects.toMatchObject({ code: 'git.failed' });
    rmSync(path.join(gitDir(), 'index'));
    side.repo.write('f', 'y\n');
    await side.sync();
    expect(there('f')).toBe('y\n');
  });
});

describe('what is on the disk travels, whatever the index says of it:', () => {
  it.each(['--assume-unchanged', '--skip-worktree'])('a file under %s that was edited all the same', async (flag) => {
    side.repo.write('f', 'committed\n');
    side.repo.commit();
    side.repo.git('update-index', flag, 'f');
    side.repo.write('f', 'edited in secret\n');
    await side.sync();
    expect(there('f')).toBe('edited in secret\n');
    side.repo.write('f', 'edited again\n');
    await side.sync();
    expect(there('f')).toBe('edited again\n');
  });

  it('a file that is only meant to be added', async () => {
    side.repo.write('f', 'x\n');
    side.repo.git('add', '-N', 'f');
    await side.sync();
    expect(there('f')).toBe('x\n');
  });

  it('one that is staged in one version and edited to another', async () => {
    side.repo.write('f', 'committed\n');
    side.repo.commit();
    side.repo.write('f', 'staged\n');
    side.repo.git('add', 'f');
    side.repo.write('f', 'on the disk\n');
    await side.sync();
    expect(there('f')).toBe('on the disk\n');
  });

  it('one that was removed from the index only', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    side.repo.git('rm', '-q', '--cached', 'f');
    await side.sync();
    expect(there('f')).toBe('x\n');
  });

  // openclaw/crabbox#1081: beside another tool that moves HEAD and leaves the index behind, the wrong diff was synced.
  it('a tree that another tool has moved, with HEAD detached and an index of long ago', async () => {
    for (const round of [1, 2, 3]) {
      side.repo.write('f', `${String(round)}\n`);
      side.repo.write(`only-in-${String(round)}`, 'x\n');
      side.repo.commit();
    }
    await side.sync();
    side.repo.git('checkout', '-q', '--detach');
    side.repo.git('update-ref', '--no-deref', 'HEAD', 'HEAD~2');
    mkdirSync(path.join(side.repo.root, '.jj'));
    writeFileSync(path.join(side.repo.root, '.jj/.gitignore'), '/*\n');
    writeFileSync(path.join(side.repo.root, '.jj/repo'), 'x\n');
    rmSync(path.join(side.repo.root, 'only-in-2'));
    side.repo.write('f', 'on the disk\n');
    await side.sync();
    expect(side.far('ls', '-A', 'app')).toBe('f\nonly-in-1\nonly-in-3\n');
    expect(there('f')).toBe('on the disk\n');
  });

  it('a merge that stopped at conflicts, of contents, of modes and of deletions', async () => {
    for (const file of ['both', 'gone-here', 'gone-there', 'kind']) side.repo.write(file, 'base\n');
    side.repo.commit();
    side.repo.git('checkout', '-q', '-b', 'other');
    for (const file of ['both', 'gone-here']) side.repo.write(file, 'theirs\n');
    side.repo.git('rm', '-q', 'gone-there', 'kind');
    side.repo.write('kind/inner', 'a directory there\n');
    side.repo.commit();
    side.repo.git('checkout', '-q', 'main');
    for (const file of ['both', 'gone-there', 'kind']) side.repo.write(file, 'ours\n');
    side.repo.git('rm', '-q', 'gone-here');
    side.repo.commit();
    expect(() => side.repo.git('merge', 'other')).toThrow();
    const before = fingerprint(gitDir());
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(fingerprint(gitDir())).toBe(before);
    side.repo.git('merge', '--abort');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});

describe('a sparse checkout', () => {
  const sparse = (): void => {
    for (let file = 0; file < 30; file += 1) side.repo.write(`out/d${String(file % 3)}/f${String(file)}`, 'x\n');
    side.repo.write('in/f', 'x\n');
    side.repo.commit();
  };

  // openclaw/crabbox#1093: 2,521 files that are kept off the disk were taken for deleted, and deleted over there.
  it('deletes nothing over there, neither in a clone nor in what landed before', async () => {
    sparse();
    await side.sync();
    side.far('git', 'clone', '-q', side.repo.root, 'clone');
    side.repo.git('sparse-checkout', 'set', 'in');
    expect(existsSync(path.join(side.repo.root, 'out'))).toBe(false);
    expect(await side.sync()).toMatchObject({ upToDate: true, changed: { deleted: 0 } });
    expect(await side.sync({ workdir: 'clone' })).toMatchObject({ changed: { deleted: 0 }, drift: null });
    side.repo.write('in/f', 'edited\n');
    expect(await side.sync()).toMatchObject({ changed: { added: 0, modified: 1, deleted: 0 } });
  });

  // openclaw/crabbox#1241
  it('in a linked worktree counts as well, and a file that is there all the same travels as it is', async () => {
    sparse();
    const linked = new GitRepo(path.join(side.repo.root, '../linked'), side.localHome);
    rmSync(linked.root, { recursive: true });
    side.repo.git('worktree', 'add', '-q', linked.root);
    linked.git('sparse-checkout', 'set', 'in');
    linked.write('out/d0/f0', 'made by hand\n');
    const { changed } = await side.sync({ directory: linked.root });
    expect(changed).toEqual({ added: 31, modified: 0, deleted: 0 });
    expect(side.far('cat', 'linked/out/d0/f0')).toBe('made by hand\n');
  });

  it('takes a file that git deleted inside it for deleted', async () => {
    sparse();
    side.repo.git('sparse-checkout', 'set', 'in');
    await side.sync();
    side.repo.git('rm', '-q', 'in/f');
    expect((await side.sync()).changed).toEqual({ added: 0, modified: 0, deleted: 1 });
  });
});

describe('a repository inside the repository', () => {
  it('travels with its files, also before its first commit, and its .git stays here', async () => {
    side.repo.write('f', 'x\n');
    const born = GitRepo.init(path.join(side.repo.root, 'born'), side.localHome);
    born.write('committed', 'x\n');
    born.commit();
    born.write('untracked', 'y\n');
    GitRepo.init(path.join(side.repo.root, 'unborn'), side.localHome).write('first', 'z\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(side.far('sh', '-c', 'cd app && find . -name .git')).toBe('');
    born.write('committed', 'edited\n');
    rmSync(path.join(born.root, 'untracked'));
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  it('may be a submodule with edits of its own', async () => {
    const library = GitRepo.init(path.join(side.repo.root, '../library'), side.localHome);
    library.write('code', 'x\n');
    library.commit();
    side.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.root, 'lib');
    side.repo.commit();
    await side.sync();
    const lib = new GitRepo(path.join(side.repo.root, 'lib'), side.localHome);
    lib.write('code', 'edited\n');
    lib.write('new', 'y\n');
    const before = fingerprint(gitDir());
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(lstatSync(path.join(side.repo.root, 'lib/.git')).isFile()).toBe(true);
    expect(fingerprint(gitDir())).toBe(before);
  });
});
