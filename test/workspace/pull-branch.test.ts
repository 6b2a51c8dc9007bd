import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncRequest } from '../../src/sync/request.js';
import type { Branched } from '../../src/workspace/branch.js';
import { filesBelow, fingerprint, GitRepo, manifest } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
let first: string;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept', 'tool']) side.repo.write(file, `${file}\n`.repeat(5));
  first = side.repo.commit();
  await side.sync();
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);
const git = (...args: string[]): string => side.repo.git(...args);

const commitOn = (branch: string, options: Partial<SyncRequest> = {}): Promise<Branched | null> =>
  side.asked(options).pull((pulled) => pulled.commitOn(branch));

/** All that a user sees of the working tree and its repository, but branches, their logs and objects. */
function unseen(): string[] {
  const inGit = filesBelow(path.join(side.repo.root, '.git')).filter((name) => !/^(objects|refs|logs)\//.test(name));
  return [...side.here(), ...manifest(path.join(side.repo.root, '.git'), inGit)];
}

/** What a branch holds, in a working tree of its own. */
function checkedOut(branch: string): string[] {
  const place = path.join(side.localHome, 'checked out');
  git('worktree', 'add', '-q', place, branch);
  const files = manifest(
    place,
    filesBelow(place).filter((name) => name !== '.git'),
  );
  git('worktree', 'remove', '--force', place);
  return files;
}

describe('drift on a branch', () => {
  it('is one commit on top of HEAD; the working tree and its index stay as they are', async () => {
    writeFileSync(there('edited'), 'by the sidecar\n');
    writeFileSync(there('new "\n'), Buffer.from([0, 0xff]));
    symlinkSync('nowhere', there('link'));
    chmodSync(there('tool'), 0o755);
    rmSync(there('deleted'));
    side.repo.write('kept', 'by us\n');
    git('add', 'kept');
    const before = unseen();
    const made = await commitOn('from-web');
    expect(unseen()).toEqual(before);
    expect(made).toEqual({ branch: 'from-web', commit: git('rev-parse', 'from-web'), parent: first });
    expect(git('log', '-1', '--format=%an %s', 'from-web')).toBe(`Ada What was changed on web:${side.workspace}`);
    git('stash', '-q');
    expect(checkedOut('from-web')).toEqual(side.there());
  });

  it('comes after a commit of what landed, where that was not committed here', async () => {
    side.repo.write('edited', 'by us\n');
    side.repo.write('untracked', 'by us\n');
    await side.sync();
    writeFileSync(there('edited'), 'by us\nby the sidecar\n');
    writeFileSync(there('untracked'), 'by the sidecar\n');
    const made = await commitOn('from-web');
    expect(git('rev-parse', 'from-web~2')).toBe(first);
    expect(made?.parent).toBe(git('rev-parse', 'from-web~1'));
    expect(git('show', 'from-web~1:edited')).toBe('by us');
    expect(git('diff', '--name-status', 'from-web~1', 'from-web')).toBe('M\tedited\nM\tuntracked');
    expect(git('show', 'from-web:edited')).toBe('by us\nby the sidecar');
  });

  it('starts where HEAD was when it landed, where HEAD has changed those files since: a merge keeps both', async () => {
    const lines = (head: string, tail: string): string => `${head}\n${'edited\n'.repeat(5)}${tail}\n`;
    side.repo.write('edited', lines('head', 'tail'));
    side.repo.commit();
    await side.sync();
    writeFileSync(there('edited'), lines('head', 'by the sidecar'));
    side.repo.write('edited', lines('by us', 'tail'));
    side.repo.commit();
    const made = await commitOn('from-web');
    expect(made?.parent).toBe(git('rev-parse', 'main~1'));
    git('merge', '-q', '-m', 'both', 'from-web');
    expect(readFileSync(path.join(side.repo.root, 'edited'), 'utf8')).toBe(lines('by us', 'by the sidecar'));
  });

  it('is the first commit of a repository that has none', async () => {
    git('update-ref', '-d', 'HEAD');
    writeFileSync(there('new'), 'by the sidecar\n');
    expect((await commitOn('from-web'))?.parent).toBeNull();
    expect(git('ls-tree', '--name-only', 'from-web')).toBe('new');
  });

  it('is none where nothing drifted', async () => {
    expect(await commitOn('from-web')).toBeNull();
    expect(git('branch', '--list', 'from-web')).toBe('');
  });

  it('holds files as git takes them in: line ends converted, filters of the user run, those of the repository not', async () => {
    writeFileSync(path.join(side.localHome, '.gitconfig'), '[filter "mine"]\n\tclean = tr a-z A-Z\n');
    git('config', 'filter.theirs.clean', 'touch ran; tr a-z A-Z');
    git('config', 'filter.theirs.required', 'true');
    git('config', 'filter.process.process', 'touch ran');
    side.repo.write(
      '.gitattributes',
      '*.txt text\n*.mine filter=mine\n*.theirs filter=theirs\n*.process filter=process\n',
    );
    side.repo.commit();
    await side.sync();
    for (const file of ['a.txt', 'b.mine', 'c.theirs', 'd.process']) writeFileSync(there(file), 'line\r\n');
    await commitOn('from-web');
    const held = (file: string): string => side.repo.bytes('cat-file', 'blob', `from-web:${file}`).toString();
    expect([held('a.txt'), held('b.mine'), held('c.theirs'), held('d.process')]).toEqual([
      ...['line\n', 'LINE\r\n', 'line\r\n', 'line\r\n'],
    ]);
    expect(existsSync(path.join(side.repo.root, 'ran'))).toBe(false);
  });

  it('is refused where a branch of that name exists, and for a name that is none', async () => {
    writeFileSync(there('edited'), 'by the sidecar\n');
    git('branch', 'from-web');
    await expect(commitOn('from-web')).rejects.toMatchObject({ code: 'pull.branch_exists' });
    await expect(side.asked().checkBranch('from-web')).rejects.toMatchObject({ code: 'pull.branch_exists' });
    expect(git('rev-parse', 'from-web')).toBe(first);
    for (const wrong of ['', 'a b', 'HEAD', '-x', '@{-1}', 'a..b', 'x.lock', 'a\nb']) {
      await expect(side.asked().checkBranch(wrong)).rejects.toMatchObject({ code: 'usage.invalid' });
    }
  });

  it('is refused for files of a nested repository, and leaves no branch', async () => {
    const nested = GitRepo.init(path.join(side.repo.root, 'nested'), side.localHome);
    nested.write('file', 'x\n');
    nested.commit();
    await side.sync();
    writeFileSync(there('nested/file'), 'by the sidecar\n');
    const facts = { paths: ['nested/file'] };
    await expect(commitOn('from-web')).rejects.toMatchObject({ code: 'pull.other_repository', facts });
    git('add', 'nested');
    side.repo.git('commit', '-q', '-m', 'a submodule');
    await expect(commitOn('from-web')).rejects.toMatchObject({ code: 'pull.other_repository', facts });
    expect(git('branch', '--list', 'from-web')).toBe('');
    expect(fingerprint(nested.root)).not.toBe('');
  });

  it('needs a repository', async () => {
    const plain = new FarSide({ init: false });
    try {
      plain.repo.write('a', 'x\n');
      await expect(plain.asked().checkBranch('from-web')).rejects.toMatchObject({ code: 'usage.invalid' });
    } finally {
      plain.remove();
    }
  });
});
