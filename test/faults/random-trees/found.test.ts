import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitRepo } from '../../fakes/git-repo.js';
import { FarSide } from '../../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);

function put(file: string, content: string): void {
  mkdirSync(path.dirname(there(file)), { recursive: true });
  writeFileSync(there(file), content);
}

const saved = (id: string | null | undefined, file: string): string =>
  side.farShadow('show', `refs/sidecar/drift/${id ?? ''}:${file}`);

describe('cases that random trees found', () => {
  it('an ignored file is saved where the tree needs a directory in its place, or in the place of its parent', async () => {
    side.repo.write('.gitignore', '/out\n');
    side.repo.write('f', 'x\n');
    await side.sync();
    put('out/a', 'built there\n');
    side.repo.write('out/a/b', 'tracked here\n');
    side.repo.git('add', '-f', 'out/a/b');
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['out/a']);
    expect(saved(drift?.id, 'out/a')).toBe('built there\n');
    expect(side.there()).toEqual(side.here());
  });

  it('a clone with a file called HEAD holds drift as any other', async () => {
    for (const file of ['HEAD', 'staged', 'gone']) side.repo.write(file, 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    put('staged', 'work over there\n');
    side.far('git', '-C', side.workspace, 'add', 'staged');
    side.far('rm', there('gone'));
    put('new', 'work over there\n');
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: ['new'], modified: ['staged'], deleted: ['gone'] });
    expect(saved(drift?.id, 'staged')).toBe('work over there\n');
  });

  it('a repository of the sidecar’s own is not deleted with files that landed around it', async () => {
    side.repo.write('caf\u00e9 "lib"/sub/f', 'x\n');
    await side.sync();
    GitRepo.init(there('caf\u00e9 "lib"/sub'), side.localHome);
    side.repo.write('caf\u00e9 "lib"', 'a file here\n');
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.remote_failed' });
    expect(existsSync(there('caf\u00e9 "lib"/sub/.git/HEAD'))).toBe(true);
    rmSync(there('caf\u00e9 "lib"/sub/.git'), { recursive: true });
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  it('a link called .gitmodules, which git does not take, is left alone and named', async () => {
    side.repo.write('f', 'x\n');
    side.repo.write('d/.gitmodules', '');
    await side.sync();
    symlinkSync('f', there('.gitmodules'));
    expect(await side.sync()).toMatchObject({ drift: null, leftAlone: ['.gitmodules'] });
    expect(readlinkSync(there('.gitmodules'))).toBe('f');
    rmSync(there('d/.gitmodules'));
    symlinkSync('../f', there('d/.gitmodules'));
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.remote_failed' });
    expect(readlinkSync(there('d/.gitmodules'))).toBe('../f');
    rmSync(there('d/.gitmodules'));
    expect((await side.sync()).verified).toBe(true);
  });

  it('what only an ignored ignore file ignores stays, as it would here', async () => {
    side.repo.write('f', 'x\n');
    side.repo.write('d/f', 'x\n');
    side.repo.write('.gitignore', '.gitignore\n*.o\n');
    side.repo.write('d/.gitignore', '/out\n');
    side.repo.write('cache/.gitignore', '*\n');
    await side.sync();
    for (const file of ['x.o', 'd/out/x', 'cache/x']) put(file, 'built there\n');
    expect((await side.sync()).drift).toBeNull();
    for (const file of ['x.o', 'd/out/x', 'cache/x']) expect(existsSync(there(file))).toBe(true);
  });

  it('a link that took the place of a submodule in a clone is drift', async () => {
    const nested = GitRepo.init(path.join(side.repo.root, 'lib'), side.localHome);
    nested.write('f', 'x\n');
    nested.commit();
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    rmSync(there('lib'), { recursive: true });
    symlinkSync('elsewhere', there('lib'));
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['lib']);
    expect(saved(drift?.id, 'lib')).toBe('elsewhere');
    expect(side.there()).toEqual(side.here());
  });

  it('files where a clone has yet to check out a submodule are drift', async () => {
    const nested = GitRepo.init(path.join(side.repo.root, 'lib'), side.localHome);
    nested.write('f', 'x\n');
    nested.commit();
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    put('lib/f', 'work over there\n');
    put('lib/new', 'work over there\n');
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['lib/f', 'lib/new']);
    expect(saved(drift?.id, 'lib/f')).toBe('work over there\n');
    expect(side.there()).toEqual(side.here());
  });

  it('a submodule that was removed here takes what stands in its place over there with it, saved', async () => {
    const nested = GitRepo.init(path.join(side.repo.root, 'lib'), side.localHome);
    nested.write('f', 'x\n');
    nested.commit();
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    put('lib/f', 'work over there\n');
    rmSync(path.join(side.repo.root, 'lib'), { recursive: true });
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['lib/f']);
    expect(saved(drift?.id, 'lib/f')).toBe('work over there\n');
    expect(existsSync(there('lib/f'))).toBe(false);
  });

  it('a link that leads back to itself, in place of a directory that landed, is drift', async () => {
    side.repo.write('caf\u00e9/b/f', 'x\n');
    side.repo.write('caf\u00e9/b/g', 'x\n');
    await side.sync();
    rmSync(there('caf\u00e9/b'), { recursive: true });
    symlinkSync('b/a', there('caf\u00e9/b'));
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: ['caf\u00e9/b'], deleted: ['caf\u00e9/b/f', 'caf\u00e9/b/g'] });
    expect(saved(drift?.id, 'caf\u00e9/b')).toBe('b/a');
    expect(side.there()).toEqual(side.here());
  });

  it('a link that leads nowhere near, ignored, in place of a directory of the tree, is drift', async () => {
    side.repo.write('c/a/a', 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.write('.git/info/exclude', '*\n');
    rmSync(there('c'), { recursive: true });
    symlinkSync('x'.repeat(3000), there('c'));
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: ['c'], deleted: ['c/a/a'] });
    expect(saved(drift?.id, 'c')).toBe('x'.repeat(3000));
    expect(side.there()).toEqual(side.here());
  });

  it('a link that leads back to itself travels in place of a directory', async () => {
    side.repo.write('b/f', 'x\n');
    side.repo.commit();
    await side.sync();
    rmSync(path.join(side.repo.root, 'b'), { recursive: true });
    symlinkSync('b/a', path.join(side.repo.root, 'b'));
    await side.sync();
    expect(side.there()).toEqual(side.here());
    side.repo.write('.gitignore', '/b\n');
    await side.sync();
    expect(side.far('sh', '-c', 'cd app && find . ! -type d')).toBe('./.gitignore\n');
  });

  it('an attributes file that makes no sense to git is a file like any other', async () => {
    side.repo.write('.gitattributes', '[submodule "a"]\n\tpath = a\n!x text\n');
    side.repo.write('f', 'x\n');
    side.repo.write('read-again', 'x\n');
    await side.sync();
    put('f', 'work over there\n');
    side.far('touch', '-d', '2001-01-01', there('read-again'));
    expect((await side.sync()).drift?.modified).toEqual(['f']);
    expect(side.there()).toEqual(side.here());
  });

  it('an empty repository over there, ignored, in a directory that is to become a file, is in the way', async () => {
    side.repo.write('.gitignore', '/a/*\n');
    side.repo.write('a/f', 'x\n');
    side.repo.git('add', '-f', 'a/f');
    await side.sync();
    side.far('git', 'init', '-q', there('a/b/c'));
    rmSync(path.join(side.repo.root, 'a'), { recursive: true });
    side.repo.write('a', 'a file here\n');
    await expect(side.sync()).rejects.toMatchObject({
      code: 'sync.remote_failed',
      facts: { reason: expect.stringContaining('a') as string },
    });
    expect(existsSync(there('a/b/c/.git/HEAD'))).toBe(true);
  });

  it('a repository travels also where the index still has a file, ignored or not', async () => {
    side.repo.write('lib', 'a tracked file\n');
    side.repo.write('unborn', 'a tracked file\n');
    side.repo.commit();
    await side.sync();
    side.repo.write('.git/info/exclude', '*\n');
    for (const name of ['lib', 'unborn']) rmSync(path.join(side.repo.root, name));
    const nested = GitRepo.init(path.join(side.repo.root, 'lib'), side.localHome);
    nested.write('committed', 'x\n');
    nested.commit();
    GitRepo.init(path.join(side.repo.root, 'unborn'), side.localHome).write('untracked', 'x\n');
    await side.sync();
    expect(side.far('sh', '-c', 'cd app && find . -type f | sort')).toBe('./lib/committed\n./unborn/untracked\n');
  });
});
