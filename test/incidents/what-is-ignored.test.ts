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

const there = (file: string): string => path.join(side.workspace, file);
const filesThere = (directory = 'app'): string[] =>
  side.far('sh', '-c', `cd ${directory} && find . -type f -not -path './.git/*' | sort`).split('\n').slice(0, -1);

function ignoredHere(file: string): boolean {
  try {
    side.repo.git('check-ignore', '-q', '--no-index', file);
    return true;
  } catch {
    return false;
  }
}

function put(file: string, content: string): void {
  mkdirSync(path.dirname(there(file)), { recursive: true });
  writeFileSync(there(file), content);
}

/** Ignored in each of the ways that git knows, and not ignored though it looks so. */
function everyWayToIgnore(): void {
  mkdirSync(path.join(side.localHome, '.config/git'), { recursive: true });
  writeFileSync(path.join(side.localHome, '.config/git/ignore'), '*.mine\n');
  side.repo.write('.git/info/exclude', '*.local\n/private/\n');
  side.repo.write('.gitignore', 'build/\n*.log\n!keep.log\n/only-top\n');
  side.repo.write('sub/.gitignore', '*.tmp\n!.gitignore\n/here/*\n!/here/kept\n');
}

const ignored = [
  ...['a.mine', 'a.local', 'private/f', 'build/f', 'deep/build/f', 'a.log', 'only-top', 'sub/a.tmp'],
  ...['sub/deep/a.tmp', 'sub/here/f', 'sub/a.mine', 'sub/a.local', 'sub/a.log'],
];
const sent = ['keep.log', 'sub/keep.log', 'sub/only-top', 'sub/here/kept', 'sub/private/f', 'a.tmp', 'builds/f'];

describe('what git ignores, in every way that git knows,', () => {
  // lightdash/lightdash#26594: 13,492 files went instead of 6,597, because `.gitignore` files further down and
  // `info/exclude` were not read. rsync with `:- .gitignore`: 9 of 20 paths wrong.
  it('stays here, and what only looks like it goes', async () => {
    everyWayToIgnore();
    for (const file of [...ignored, ...sent]) side.repo.write(file, 'x\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    const arrived = filesThere();
    for (const file of ignored) expect(arrived).not.toContain(`./${file}`);
    for (const file of sent) expect(arrived).toContain(`./${file}`);
  });

  // openclaw/openclaw#138612: rules that the receiver did not know, so that installed dependencies were deleted there.
  it('stays there, untouched, through edits, deletions and changes of the rules', async () => {
    everyWayToIgnore();
    side.repo.write('f', 'x\n');
    await side.sync();
    for (const file of ignored) put(file, `made over there: ${file}\n`);
    const times = ignored.map((file) => lstatSync(there(file), { bigint: true }).mtimeNs);
    side.repo.write('f', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    rmSync(path.join(side.repo.root, 'f'));
    side.repo.write('.gitignore', 'build/\n*.log\n!keep.log\n/only-top\nnode_modules/\n');
    expect((await side.sync()).drift).toBeNull();
    for (const file of ignored) expect(readFileSync(there(file), 'utf8')).toBe(`made over there: ${file}\n`);
    expect(ignored.map((file) => lstatSync(there(file), { bigint: true }).mtimeNs)).toEqual(times);
  });

  it('stays in a clone over there as well, though that knows nothing of the rules that are only here', async () => {
    everyWayToIgnore();
    side.repo.write('f', 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    for (const file of ignored) put(file, 'made over there\n');
    side.repo.write('f', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    for (const file of ignored) expect(existsSync(there(file))).toBe(true);
  });
});

// openclaw/openclaw#138153 and #138404: a sync reported success while 19 such files were missing.
describe('a file that is tracked and ignored', () => {
  it('goes, is updated and is deleted like any other, and is part of what is proved', async () => {
    side.repo.write('.gitignore', '*.lock\nvendor/\n');
    const files = Array.from({ length: 19 }, (_, file) => `vendor/d${String(file % 4)}/f${String(file)}.lock`);
    for (const file of files) side.repo.write(file, 'x\n');
    side.repo.git('add', '-f', ...files);
    side.repo.commit();
    const first = await side.sync();
    expect(first.changed.added).toBe(20);
    expect(side.there()).toEqual(side.here());
    side.repo.write(files[0] ?? '', 'edited\n');
    rmSync(path.join(side.repo.root, files[1] ?? ''));
    expect((await side.sync()).changed).toEqual({ added: 0, modified: 1, deleted: 1 });
    expect(side.there()).toEqual(side.here());
  });

  it('that is missing over there is found to be missing, and comes back', async () => {
    side.repo.write('.gitignore', '*.lock\n');
    side.repo.write('a.lock', 'x\n');
    side.repo.git('add', '-f', 'a.lock');
    side.repo.commit();
    await side.sync();
    rmSync(there('a.lock'));
    expect((await side.sync()).drift?.deleted).toEqual(['a.lock']);
    expect(readFileSync(there('a.lock'), 'utf8')).toBe('x\n');
  });
});

describe('a line of an ignore file', () => {
  // NVIDIA/cloudai#1022: to rsync a lone `!` means to forget all rules so far.
  it('that is odd means what it means to git, at the top and further down, and deletes nothing over there', async () => {
    const odd = ['!', '!\n!', '! ', '!/', '\\', '/', '**', '!**/', '[', '#', '\\#', ' '];
    const directories = odd.flatMap((line, index) => {
      const directory = `d${String(index)}`;
      side.repo.write(`${directory}/.gitignore`, `build/\n${line}\n*.o\n`);
      side.repo.write(`${directory}/sub/.gitignore`, `out/\n${line}\n*.tmp\n`);
      return [`${directory}/`, `${directory}/sub/`];
    });
    side.repo.write('.gitignore', '!\n/only-top\n');
    const inEach = (...files: string[]): string[] => directories.flatMap((each) => files.map((file) => each + file));
    for (const file of inEach('f', 'f.o', 'f.tmp', 'build/f', 'out/f')) side.repo.write(file, 'x\n');
    side.repo.git('add', '-f', ...inEach('.gitignore', 'f'));
    await side.sync();
    expect(side.there()).toEqual(side.here());
    const before = filesThere();
    const made = ['only-top', ...inEach('x.o', 'x.tmp', 'build/x', 'out/x')].filter(ignoredHere);
    expect(made.length).toBeGreaterThan(2 * odd.length);
    for (const file of made) put(file, 'made over there\n');
    side.repo.write('f', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    expect(filesThere().sort()).toEqual([...before, './f', ...made.map((file) => `./${file}`)].sort());
  });

  // mutagen-io/mutagen#466: rules that could not be changed once a session was there.
  it('that is new, gone or changed counts from the next sync on, with no file left in between', async () => {
    side.repo.write('out/f', 'x\n');
    side.repo.write('f', 'x\n');
    await side.sync();
    side.repo.write('.gitignore', 'out/\n');
    await side.sync();
    expect(side.there((file) => file.startsWith('out/'))).toEqual(side.here());
    side.repo.write('.gitignore', '');
    side.repo.write('out/f', 'edited\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});

describe('a repository’s own directory', () => {
  // rsync with --delete and without an exception for it: a commit that only the other side had was gone, and once the
  // repository was left with `fatal: bad object HEAD`.
  it('is never mirrored: commits, branches and stashes over there stay, and none from here goes', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    const clone = new GitRepo(side.workspace, side.localHome);
    clone.write('work', 'over there\n');
    const commit = clone.commit('only over there');
    clone.write('f', 'stashed over there\n');
    clone.git('stash', '-q');
    const before = fingerprint(path.join(clone.root, '.git'));
    side.repo.write('f', 'edited\n');
    side.repo.git('checkout', '-q', '-b', 'only-here');
    side.repo.commit();
    await side.sync();
    expect(fingerprint(path.join(clone.root, '.git'))).toBe(before);
    expect(clone.git('rev-parse', 'HEAD')).toBe(commit);
    expect(clone.git('stash', 'list')).toContain('stash@{0}');
    expect(clone.git('fsck', '--no-progress')).toBe('');
    expect(side.there()).toEqual(side.here());
  });

  // rsync, and CircleCI-Public/chunk-cli#575: the `.git` of a linked worktree is a file with a path of this machine.
  it('may be a file, of a linked worktree: it is not copied, and the clone over there goes on working', async () => {
    side.repo.write('f', 'x\n');
    side.repo.commit();
    const linked = new GitRepo(path.join(side.repo.root, '../linked'), side.localHome);
    rmSync(linked.root, { recursive: true });
    side.repo.git('worktree', 'add', '-q', linked.root);
    side.far('git', 'clone', '-q', side.repo.root, 'linked');
    linked.write('f', 'edited\n');
    await side.sync({ directory: linked.root });
    const clone = new GitRepo(path.join(side.home, 'linked'), side.localHome);
    expect(lstatSync(path.join(clone.root, '.git')).isDirectory()).toBe(true);
    expect(clone.git('diff', '--name-only')).toBe('f');
    expect(readFileSync(path.join(clone.root, 'f'), 'utf8')).toBe('edited\n');
  });
});

describe('a sync that fails', () => {
  // CircleCI-Public/chunk-cli: whatever went wrong while a patch was applied, the workspace was removed and cloned
  // anew, with dependencies, caches and results.
  it('removes nothing over there, and the next one does not either', async () => {
    side.repo.write('.gitignore', 'node_modules/\n');
    side.repo.write('f', 'x\n');
    await side.sync();
    put('node_modules/x', 'installed there\n');
    put('result', 'made there\n');
    const before = fingerprint(side.workspace);
    GitRepo.init(there('blocked'), side.localHome);
    side.repo.write('blocked', 'a file here\n');
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.remote_failed' });
    rmSync(there('blocked'), { recursive: true });
    expect(fingerprint(side.workspace)).toBe(before);
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['result']);
    expect(readFileSync(there('node_modules/x'), 'utf8')).toBe('installed there\n');
  });
});

describe('an empty directory', () => {
  it('does not travel, and one over there stays', async () => {
    side.repo.write('f', 'x\n');
    mkdirSync(path.join(side.repo.root, 'empty'));
    await side.sync();
    expect(existsSync(there('empty'))).toBe(false);
    mkdirSync(there('run'));
    side.repo.write('f', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    expect(existsSync(there('run'))).toBe(true);
  });
});
