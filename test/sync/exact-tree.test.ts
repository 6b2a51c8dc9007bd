import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, GitRepo } from '../fakes/git-repo.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Everything that other tools trip over, in one tree. `round` makes a second edit of each kind. */
function writeEverything(repo: GitRepo, round: number): void {
  const text = (name: string): string => `${name} in round ${round}\n`;
  for (const name of [
    'new\nline',
    'tab\there',
    'quo"te',
    "apos'trophe",
    'back\\slash',
    '-dash',
    '--exec=x',
    ' lead',
    'trail ',
    'émoji 🚀',
    '$(touch pwned)',
    '`touch pwned`',
    '*',
    '?',
    '[a]',
    ':(top)x',
    '#x',
    '!x',
    'con',
    'git~1',
    '\u202e',
    '\x1b[31mred',
  ]) {
    repo.write(name, text(name));
  }
  repo.write(bytes('caf\u00e9 latin1'), text('latin1 name'));
  repo.write('n'.repeat(255), text('255 bytes'));
  repo.write(`${'deep/'.repeat(60)}file`, text('deep'));
  repo.write('crlf.txt', `one\r\ntwo ${round}\r\n`);
  repo.write('mixed.txt', `one\r\ntwo\n${round}`);
  repo.write('utf16.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text('utf16'), 'utf16le')]));
  repo.write('ident.c', `/* $Id$ */ int x${round};\n`);
  repo.write('model.bin', bytes(`\x00\x01 lfs content ${round}`));
  repo.write('latin1.txt', bytes(`na\u00efve caf\u00e9 ${round}\n`));
  repo.write('binary', bytes(`\x00\xff\xfe${round}`));
  repo.write('empty', '');
  repo.write(
    '.gitattributes',
    '*.txt text\nutf16.txt working-tree-encoding=UTF-16LE eol=crlf\n*.c ident\n*.bin filter=lfs diff=lfs merge=lfs -text\n',
  );
  repo.write('script.sh', '#!/bin/sh\n', round === 1 ? 0o755 : 0o644);
  repo.write('plain.sh', '#!/bin/sh\n', round === 1 ? 0o644 : 0o755);
  repo.write('ignored-but-tracked.log', text('tracked'));
  repo.write('.gitignore', '*.log\n/build/\n');
  repo.write('build/out.o', text('ignored'));
  repo.write('excluded.tmp', text('ignored by info/exclude'));
  repo.write('global.swp', text('ignored by the user'));
  link(repo, 'dangling', `nowhere-${round}`);
  link(repo, 'to-directory', round === 1 ? 'target-a' : 'target-b');
  link(repo, 'outside', '../../../etc/passwd');
  repo.write('target-a/f', text('a'));
  repo.write('target-b/f', text('b'));
  // Each of three places is in turn a file, a directory and a link.
  const kinds = ['file', 'directory', 'link'] as const;
  kinds.forEach((_, index) => {
    const name = `changeling-${index}`;
    rmSync(path.join(repo.root, name), { recursive: true, force: true });
    const kind = kinds[(index + round) % 3];
    if (kind === 'file') repo.write(name, text(name));
    else if (kind === 'directory') repo.write(`${name}/inner/file`, text(name));
    else link(repo, name, 'target-a');
  });
}

function link(repo: GitRepo, name: string, target: string): void {
  rmSync(path.join(repo.root, name), { recursive: true, force: true });
  symlinkSync(target, path.join(repo.root, name));
}

function makeNastyRepository(repo: GitRepo): void {
  repo.write('tracked', 'a tracked file\n');
  repo.commit();
  writeFileSync(path.join(repo.env['HOME'] ?? '', 'ignore'), '*.swp\n');
  for (const [key, value] of [
    ['diff.noprefix', 'true'],
    ['color.ui', 'always'],
    ['diff.external', '/bin/false'],
    ['core.fsmonitor', path.join(repo.root, '..', 'monitor')],
    ['core.hooksPath', path.join(repo.root, '..', 'hooks')],
    ['core.autocrlf', 'true'],
    ['core.quotePath', 'false'],
    ['core.excludesFile', path.join(repo.env['HOME'] ?? '', 'ignore')],
    ['filter.lfs.clean', '/bin/false'],
    ['filter.lfs.smudge', '/bin/false'],
    ['filter.lfs.required', 'true'],
    ['status.showUntrackedFiles', 'no'],
  ] as const) {
    repo.git('config', key, value);
  }
  const marker = path.join(repo.root, '..', 'something-ran');
  writeFileSync(path.join(repo.root, '..', 'monitor'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  mkdirSync(path.join(repo.root, '..', 'hooks'));
  writeFileSync(path.join(repo.root, '..', 'hooks', 'post-index-change'), `#!/bin/sh\ntouch ${marker}\n`, {
    mode: 0o755,
  });
  repo.write('.git/info/exclude', '*.tmp\n');
  const nested = GitRepo.init(path.join(repo.root, 'nested'), repo.env['HOME'] ?? '');
  nested.write('.gitignore', '*.o\n');
  nested.write('committed', 'in a nested repository\n');
  nested.commit();
  nested.write('untracked', 'not committed\n');
  nested.write('ignored.o', 'ignored there\n');
  nested.write('parent-ignores.log', 'not ignored in its own repository\n');
  const unborn = GitRepo.init(path.join(repo.root, 'unborn'), repo.env['HOME'] ?? '');
  unborn.write('first', 'in a repository without a commit\n');
  repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', './nested', 'submodule');
}

describe('a tree with everything in it', () => {
  it('lands byte for byte, twice, and leaves the user’s repository as it was', async () => {
    makeNastyRepository(side.repo);
    writeEverything(side.repo, 1);
    side.repo.git(
      '-c',
      'core.fsmonitor=false',
      '-c',
      'filter.lfs.required=false',
      'add',
      '-f',
      'ignored-but-tracked.log',
    );
    rmSync(path.join(side.repo.root, '..', 'something-ran'), { force: true });
    const before = fingerprint(path.join(side.repo.root, '.git'));

    const first = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(first).toMatchObject({ verified: true, upToDate: false, drift: null });
    const travelled = side.there().map((line) => line.split(' ')[0]);
    expect(travelled).toEqual(
      expect.arrayContaining([
        'ignored-but-tracked.log',
        'nested/committed',
        'nested/untracked',
        'nested/parent-ignores.log',
        'unborn/first',
        'submodule/committed',
        'git~1',
      ]),
    );
    for (const absent of ['build/out.o', 'excluded.tmp', 'global.swp', 'nested/ignored.o'])
      expect(travelled).not.toContain(absent);

    writeEverything(side.repo, 2);
    const nested = new GitRepo(path.join(side.repo.root, 'nested'), side.localHome);
    nested.write('committed', 'edited\n');
    const second = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(second).toMatchObject({ verified: true, upToDate: false, drift: null });

    const third = await side.sync();
    expect(third).toMatchObject({ upToDate: true, sentBytes: 0, tree: second.tree });
    expect(fingerprint(path.join(side.repo.root, '.git'))).toBe(before);
    expect(() => lstatSync(path.join(side.repo.root, '..', 'something-ran'))).toThrow();
  });

  it('is named by a tree id that anyone can compute from the bytes on the disk', async () => {
    side.repo.write('a/b.txt', 'one\r\n');
    side.repo.write('.gitattributes', '*.txt text\n');
    const { tree } = await side.sync();
    const plain = GitRepo.init(path.join(side.home, 'plain'), side.localHome);
    side.far('cp', '-r', `${side.workspace}/.`, plain.root);
    writeFileSync(path.join(plain.root, '.git/info/attributes'), '* -text -filter -ident\n');
    plain.git('add', '-A');
    expect(plain.git('write-tree')).toBe(tree);
  });
});

describe('the working tree', () => {
  it('is the same from any subdirectory', async () => {
    side.repo.write('a/b/c', 'x');
    side.repo.write('top', 'x');
    await side.sync({ directory: path.join(side.repo.root, 'a/b') });
    expect(side.there()).toEqual(side.here());
  });

  it('may be a linked worktree, under its own name', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    const linked = path.join(side.repo.root, '..', 'linked');
    side.repo.git('worktree', 'add', '-q', linked);
    writeFileSync(path.join(linked, 'only here'), 'y');
    const result = await side.sync({ directory: linked });
    expect(result.workspace).toBe(path.join(side.home, 'linked'));
    expect(side.far('ls', 'linked')).toBe('f\nonly here\n');
  });

  it('may be in the middle of a merge', async () => {
    side.repo.write('f', 'base\n');
    side.repo.commit();
    side.repo.git('checkout', '-q', '-b', 'other');
    side.repo.write('f', 'theirs\n');
    side.repo.commit();
    side.repo.git('checkout', '-q', 'main');
    side.repo.write('f', 'ours\n');
    side.repo.commit();
    expect(() => side.repo.git('merge', 'other')).toThrow();
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(readFileSync(path.join(side.workspace, 'f'), 'utf8')).toContain('<<<<<<<');
  });

  it('may be on an unborn branch, and may be empty', async () => {
    const empty = await side.sync();
    expect(empty).toMatchObject({ upToDate: true, verified: true, base: null });
    side.repo.write('f', 'x');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  it('keeps what a sparse checkout leaves off the disk', async () => {
    for (const file of ['in/f', 'out/f', 'out/deep/f', 'top']) side.repo.write(file, `${file}\n`);
    side.repo.commit();
    side.repo.git('sparse-checkout', 'set', 'in');
    expect(() => lstatSync(path.join(side.repo.root, 'out'))).toThrow();
    await side.sync();
    expect(side.far('sh', '-c', 'cd app && find . -type f | sort')).toBe('./in/f\n./out/deep/f\n./out/f\n./top\n');
    side.repo.write('in/f', 'edited\n');
    const second = await side.sync();
    expect(second.changed).toEqual({ added: 0, modified: 1, deleted: 0 });
    side.repo.git('sparse-checkout', 'disable');
    expect((await side.sync()).upToDate).toBe(true);
  });

  it('may be of SHA-256 format', async () => {
    const other = new FarSide({ init: ['--object-format=sha256'] });
    try {
      other.repo.write('f', 'x');
      other.repo.commit();
      const result = await other.sync();
      expect(result.tree).toMatch(/^[0-9a-f]{64}$/);
      expect(other.there()).toEqual(other.here());
    } finally {
      other.remove();
    }
  });

  it('may be a directory that is no git repository, whose ignore files apply', async () => {
    const other = new FarSide({ init: false });
    try {
      other.repo.write('.gitignore', '*.o\n');
      other.repo.write('f', 'x');
      other.repo.write('f.o', 'x');
      GitRepo.init(path.join(other.repo.root, 'nested'), other.localHome).write('g', 'y');
      await other.sync();
      expect(other.far('sh', '-c', 'cd app && find . -type f | sort')).toBe('./.gitignore\n./f\n./nested/g\n');
    } finally {
      other.remove();
    }
  });

  it('may be a shallow clone, and a partial one', async () => {
    for (const round of [1, 2, 3]) {
      side.repo.write('f', `${round}\n`);
      side.repo.write(`only-in-${round}`, `${round}\n`);
      side.repo.commit();
    }
    side.repo.git('config', 'uploadpack.allowFilter', 'true');
    side.far('git', 'clone', '-q', side.repo.root, 'app');
    for (const options of [['--depth=1'], ['--filter=blob:none']]) {
      const directory = path.join(side.home, '..', `clone${options[0] ?? ''}`);
      side.far('git', 'clone', '-q', ...options, `file://${side.repo.root}`, directory);
      writeFileSync(path.join(directory, 'f'), `edited in ${options[0] ?? ''}\n`);
      const result = await side.sync({ directory, workdir: 'app', stateDir: side.otherState() });
      expect(result.base?.ref).toBe('origin/HEAD');
      expect(side.far('cat', 'app/f')).toBe(`edited in ${options[0] ?? ''}\n`);
    }
  });

  it('leaves a submodule that is not checked out here as it is there', async () => {
    const library = GitRepo.init(path.join(side.repo.root, '..', 'library'), side.localHome);
    library.write('code', 'x');
    library.commit();
    side.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.root, 'lib');
    side.repo.commit();
    side.repo.git('submodule', '--quiet', 'deinit', '-f', 'lib');
    side.far('git', '-c', 'protocol.file.allow=always', 'clone', '-q', '--recurse-submodules', side.repo.root, 'app');
    const result = await side.sync();
    expect(side.far('cat', 'app/lib/code')).toBe('x');
    expect(result.drift).toBeNull();
  });
});

describe('what cannot travel', () => {
  it('is named: FIFOs and sockets beside the files, unless they are ignored', async () => {
    side.repo.write('f', 'x');
    side.repo.write('.gitignore', '*.ignored\n');
    side.far('mkfifo', path.join(side.repo.root, 'pipe'), path.join(side.repo.root, 'pipe.ignored'));
    const result = await side.sync();
    expect(result.skipped).toEqual([{ path: 'pipe', reason: 'fifo' }]);
    expect(side.events).toContainEqual({
      kind: 'snapshot.skipped',
      path: 'pipe',
      file: path.join(side.repo.root, 'pipe'),
      reason: 'fifo',
    });
  });

  it('is named: a tracked file that became a FIFO is gone over there', async () => {
    side.repo.write('f', 'x');
    side.repo.write('g', 'x');
    side.repo.commit();
    await side.sync();
    rmSync(path.join(side.repo.root, 'f'));
    side.far('mkfifo', path.join(side.repo.root, 'f'));
    expect((await side.sync()).skipped).toEqual([{ path: 'f', reason: 'fifo' }]);
    expect(side.far('ls', 'app')).toBe('g\n');
  });
});

describe('an unchanged file', () => {
  it('keeps its time there, and an exec bit alone is a change', async () => {
    side.repo.write('same', 'x');
    side.repo.write('tool', 'x');
    await side.sync();
    const before = lstatSync(path.join(side.workspace, 'same'), { bigint: true }).mtimeNs;
    chmodSync(path.join(side.repo.root, 'tool'), 0o755);
    const result = await side.sync();
    expect(result.changed).toEqual({ added: 0, modified: 1, deleted: 0 });
    expect(lstatSync(path.join(side.workspace, 'same'), { bigint: true }).mtimeNs).toBe(before);
    expect(lstatSync(path.join(side.workspace, 'tool')).mode & 0o111).not.toBe(0);
  });
});
