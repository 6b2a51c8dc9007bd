import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitRepo } from '../fakes/git-repo.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const big = Array.from({ length: 4000 }, (_, line) => `line ${line} of a file that is worth a delta\n`).join('');

/** A clone of the local repository where the workspace will be. */
function cloneThere(): GitRepo {
  side.far('git', 'clone', '-q', side.repo.root, side.workspace);
  return new GitRepo(side.workspace, side.localHome);
}

describe('a sync that builds on a landing', () => {
  it('sends what changed once, also where that is more than a handful of objects', async () => {
    side.repo.write('before', randomBytes(1_000_000));
    await side.sync();
    side.repo.write('new', randomBytes(200_000));
    const { sentBytes, verified } = await side.sync();
    expect({ verified, sentOnce: sentBytes > 200_000 && sentBytes < 220_000 }).toEqual({
      verified: true,
      sentOnce: true,
    });
  });
});

describe('the base', () => {
  it('is origin/HEAD of the workspace', async () => {
    side.repo.write('f', 'x');
    const commit = side.repo.commit();
    const clone = cloneThere();
    clone.write('g', 'a commit that only the sidecar has');
    clone.commit();
    expect((await side.sync()).base).toEqual({ ref: 'origin/HEAD', commit });
  });

  it('is HEAD where origin/HEAD is unset', async () => {
    side.repo.write('f', 'x');
    const commit = side.repo.commit();
    cloneThere().git('remote', 'set-head', 'origin', '--delete');
    expect((await side.sync()).base).toEqual({ ref: 'HEAD', commit });
  });

  it('is HEAD where origin/HEAD points at a branch that is gone', async () => {
    side.repo.write('f', 'x');
    const commit = side.repo.commit();
    const clone = cloneThere();
    clone.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/gone');
    expect((await side.sync()).base).toEqual({ ref: 'HEAD', commit });
  });

  it('is null where the workspace has no commit', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    GitRepo.init(side.workspace, side.localHome);
    expect((await side.sync()).base).toBeNull();
    expect(side.there()).toEqual(side.here());
  });

  it('is null where there is no workspace yet', async () => {
    side.repo.write('f', 'x');
    expect((await side.sync()).base).toBeNull();
  });

  it('may be a commit that this side does not know: the nearest that both know serves', async () => {
    side.repo.write('big', big);
    side.repo.commit();
    const clone = cloneThere();
    clone.write('newer', 'pushed by somebody else');
    const newer = clone.commit();
    clone.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    side.repo.write('big', big + 'one more line\n');
    const result = await side.sync();
    expect(result.base).toEqual({ ref: 'origin/HEAD', commit: newer });
    expect(side.there()).toEqual(side.here());
    expect(result.sentBytes).toBeLessThan(2000);
  });

  it('may be years behind: only the difference travels, as a delta', async () => {
    side.repo.write('big', big);
    side.repo.commit();
    cloneThere();
    for (let year = 1; year <= 20; year++) {
      side.repo.write('big', `${big}year ${year}\n`);
      side.repo.write(`year-${year}`, `${year}\n`);
      side.repo.commit();
    }
    const result = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(result.sentBytes).toBeLessThan(4000);
    expect(result.drift).toBeNull();
  });

  it('may have nothing in common with this side, once the user agrees: everything is sent', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    const clone = GitRepo.init(side.workspace, side.localHome);
    clone.write('other', 'a project of its own');
    clone.commit();
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.not_empty' });
    const result = await side.sync({ adopt: true });
    expect(side.there()).toEqual(side.here());
    expect(result.base?.ref).toBe('HEAD');
  });

  it('may be of another object format than this side’s', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    const clone = GitRepo.init(side.workspace, side.localHome, '--object-format=sha256');
    clone.write('f', 'x');
    const commit = clone.commit();
    const result = await side.sync({ adopt: true });
    expect(result.base).toEqual({ ref: 'HEAD', commit });
    expect(side.there()).toEqual(side.here());
  });
});

describe('a clone on the sidecar', () => {
  it('keeps its own .git as it was, commits, index and all', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    const clone = cloneThere();
    const before = clone.git('status', '--porcelain=v2', '--branch');
    side.repo.write('f', 'edited');
    await side.sync();
    expect(clone.git('log', '--oneline').split('\n')).toHaveLength(1);
    expect(before).toContain('# branch.oid');
    expect(clone.git('diff', '--name-only')).toBe('f');
  });

  it('with converted line ends or smudged files holds no drift for that', async () => {
    side.repo.write('.gitattributes', '*.bat text eol=crlf\n');
    side.repo.write('run.bat', 'echo one\necho two\n');
    side.repo.git('add', '--renormalize', '.');
    side.repo.commit();
    const clone = cloneThere();
    expect(side.far('cat', 'app/run.bat')).toContain('\r\n');
    clone.write('notes', 'an untracked file of the sidecar\n');
    const result = await side.sync();
    expect(result.drift).toMatchObject({ added: ['notes'], modified: [], deleted: [], saved: true });
    expect(side.there()).toEqual(side.here());
  });

  it('with work of its own has that work saved', async () => {
    for (const file of ['edited', 'staged', 'deleted', 'same']) side.repo.write(file, `${file}\n`);
    side.repo.commit();
    const clone = cloneThere();
    clone.write('edited', 'over there\n');
    clone.write('staged', 'over there\n');
    clone.git('add', 'staged');
    rmSync(path.join(clone.root, 'deleted'));
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: [], modified: ['edited', 'staged'], deleted: ['deleted'] });
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:edited`)).toBe('over there\n');
  });

  it('that is partial lacks objects: everything is sent then', async () => {
    side.repo.write('big', big);
    side.repo.write('f', 'x');
    side.repo.commit();
    side.repo.write('f', 'y');
    side.repo.commit();
    side.repo.git('config', 'uploadpack.allowFilter', 'true');
    side.far('git', 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${side.repo.root}`, side.workspace);
    const result = await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(result).toMatchObject({ verified: true, base: { ref: 'origin/HEAD' } });
  });
});

describe('objects that somebody’s git has pruned', () => {
  it('here: the snapshot is built again', async () => {
    side.repo.write('f', 'x');
    side.repo.commit();
    side.repo.write('f', 'amended away\n');
    side.repo.git('commit', '-q', '-a', '--amend', '-m', 'second');
    await side.sync();
    side.repo.git('update-ref', '-d', 'HEAD');
    side.repo.git('read-tree', '--empty');
    side.repo.git('reflog', 'expire', '--expire=now', '--all');
    side.repo.git('prune', '--expire=now');
    side.repo.write('g', 'new');
    await side.sync({ workdir: 'elsewhere' });
    expect(side.far('cat', 'elsewhere/f')).toBe('amended away\n');
  });

  it('there: everything is sent again', async () => {
    side.repo.write('f', big);
    side.repo.commit();
    const clone = cloneThere();
    await side.sync();
    clone.git('remote', 'remove', 'origin');
    clone.git('update-ref', '-d', 'HEAD');
    clone.git('read-tree', '--empty');
    clone.git('reflog', 'expire', '--expire=now', '--all');
    clone.git('prune', '--expire=now');
    side.repo.write('f', big + 'more\n');
    const result = await side.sync();
    expect(result.verified).toBe(true);
    expect(side.there()).toEqual(side.here());
  });

  it('there, with the shadow and its index damaged or gone: the sync heals it', async () => {
    side.repo.write('f', 'x\n');
    side.repo.write('g', 'y\n');
    await side.sync();
    const workspaces = '.local/state/sidecar/workspaces';
    writeFileSync(path.join(side.home, workspaces, side.far('ls', workspaces).trim(), 'index'), 'garbage');
    side.repo.write('f', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    expect(side.there()).toEqual(side.here());
    rmSync(path.join(side.home, workspaces), { recursive: true });
    side.repo.write('f', 'edited again\n');
    await side.sync({ adopt: true });
    expect(side.there()).toEqual(side.here());
  });
});
