import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitRepo } from '../fakes/git-repo.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('f', 'x\n');
  side.repo.write('tool', 'a tracked file\n');
  side.repo.write('.gitignore', 'node_modules\n*.o\n/own/\n');
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);
const saved = (id: string | null | undefined, file: string): string =>
  side.farShadow('show', `refs/sidecar/drift/${id ?? ''}:${file}`);

function put(file: string, content: string): void {
  mkdirSync(path.dirname(there(file)), { recursive: true });
  writeFileSync(there(file), content);
}

function repositoryThere(name: string): GitRepo {
  rmSync(there(name), { recursive: true, force: true });
  const own = GitRepo.init(there(name), side.localHome);
  own.write('work', 'committed over there, and nowhere else\n');
  own.commit();
  return own;
}

describe('what the sidecar ignores', () => {
  it('is saved to its depth where the tree puts a link in place of its directory', async () => {
    await side.sync();
    put('node_modules/a/b/c/f', 'installed there\n');
    symlinkSync('../elsewhere', path.join(side.repo.root, 'node_modules'));
    side.repo.git('add', '-f', 'node_modules');
    const { drift } = await side.sync();
    expect(drift?.added).toEqual(['node_modules/a/b/c/f']);
    expect(saved(drift?.id, 'node_modules/a/b/c/f')).toBe('installed there\n');
    expect(side.there()).toEqual(side.here());
  });

  it('is saved where the tree puts a file in place of a directory around it', async () => {
    await side.sync();
    put('d/q/x.o', 'built there\n');
    side.repo.write('d', 'a file here\n');
    const { drift } = await side.sync();
    expect(saved(drift?.id, 'd/q/x.o')).toBe('built there\n');
  });

  it('is saved also inside a repository that becomes part of the tree', async () => {
    await side.sync();
    repositoryThere('lib').write('x.o', 'built there\n');
    side.repo.write('lib/x.o', 'built here\n');
    side.repo.write('lib/a', 'x\n');
    side.repo.git('add', '-f', 'lib/x.o');
    const { drift } = await side.sync();
    expect(saved(drift?.id, 'lib/x.o')).toBe('built there\n');
    expect(saved(drift?.id, 'lib/work')).toContain('nowhere else');
  });

  it('is saved on a sidecar without awk', async () => {
    await side.sync();
    put('f.o', 'built there\n');
    side.repo.write('f.o', 'tracked here\n');
    side.repo.git('add', '-f', 'f.o');
    const bin = path.join(side.home, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'awk'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    const attempt = side.sync({ farEnv: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
    await expect(attempt).rejects.toMatchObject({ code: 'sync.remote_failed' });
    expect(readFileSync(there('f.o'), 'utf8')).toBe('built there\n');
  });
});

describe('a repository of the sidecar’s own', () => {
  it.each([
    ['where a tracked file was', 'tool', 'tool'],
    ['in an ignored directory where the tree adds a file', 'own', 'own'],
    ['below an ignored directory that the tree replaces', 'node_modules/deep/own', 'node_modules'],
  ])('is never deleted: %s', async (_, repository, file) => {
    await side.sync();
    repositoryThere(repository);
    side.repo.write(file, 'a file of the tree\n');
    side.repo.git('add', '-f', file);
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.remote_failed' });
    expect(existsSync(there(`${repository}/.git/HEAD`))).toBe(true);
  });
});

describe('saved drift', () => {
  it('outlives the clone that it was found in', async () => {
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    const clone = new GitRepo(side.workspace, side.localHome);
    clone.write('f', 'work over there\n');
    clone.git('add', 'f');
    const { drift } = await side.sync();
    rmSync(side.workspace, { recursive: true });
    expect(saved(drift?.id, 'f')).toBe('work over there\n');
  });
});

describe('the next sync converges', () => {
  it('after the clone there was removed', async () => {
    for (let file = 0; file < 20; file++) side.repo.write(`d${file % 3}/f${file}`, `${file}\n`);
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.write('d1/f1', 'edited\n');
    await side.sync();
    rmSync(side.workspace, { recursive: true });
    expect((await side.sync()).verified).toBe(true);
    expect(side.there()).toEqual(side.here());
  });

  it('after a power cut left an object of the last landing empty', async () => {
    await side.sync();
    const id = side.farShadow('rev-parse', 'refs/sidecar/landed:f').trim();
    const [shadow = ''] = side.far('sh', '-c', 'ls -d .local/state/sidecar/workspaces/*').split('\n');
    const object = path.join(side.home, shadow, 'objects', id.slice(0, 2), id.slice(2));
    rmSync(object);
    writeFileSync(object, '');
    put('f', 'drift\n');
    expect((await side.sync()).drift?.modified).toEqual(['f']);
    expect(side.there()).toEqual(side.here());
  });

  it('after git’s own locks were left on both sides', async () => {
    await side.sync();
    side.far('sh', '-c', 'cd .local/state/sidecar/workspaces/* && touch index.lock HEAD.lock refs/sidecar/landed.lock');
    side.far('sh', '-c', `cd ${side.stateDir}/shadows/*1 && touch index.lock refs/sidecar/landed/web.lock`);
    side.repo.write('f', 'edited\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    side.repo.write('f', 'edited again\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });

  it('after a shell was killed whose git still writes: it is waited for', async () => {
    await side.sync();
    const [shadow = ''] = side.far('sh', '-c', 'ls -d .local/state/sidecar/workspaces/*').split('\n');
    // Stands for the git that was left: what tells it is its command line.
    const line = 'sh -c "until [ -e written ]; do sleep 0.1; done; : reset" >/dev/null 2>&1 & echo $!';
    const left = side.far('sh', '-c', line).trim();
    writeFileSync(path.join(side.home, shadow, 'sidecar/writer'), `${left}\n`);
    side.repo.write('f', 'edited\n');
    await side.sync({
      emit: (event) => {
        side.events.push(event);
        if (event.kind === 'sync.waiting') writeFileSync(path.join(side.home, 'written'), '');
      },
    });
    expect(side.events.map((event) => event.kind)).toContain('sync.waiting');
    // One that nobody has taken note of stays as a zombie, without a command line.
    const commandLine = path.join('/proc', left, 'cmdline');
    expect(existsSync(commandLine) ? readFileSync(commandLine, 'utf8') : '').toBe('');
    expect(side.there()).toEqual(side.here());
  });

  it('or says which path it cannot replace: a pipe in the place of a file', async () => {
    await side.sync();
    rmSync(there('f'));
    side.far('mkfifo', there('f'));
    const failed = await side.sync().catch((error: unknown) => error);
    if (failed instanceof Error) expect(failed.message).toMatch(/\bf\b/);
    else expect(side.there()).toEqual(side.here());
  });

  it('after something that is no lock took the place of its lock', async () => {
    await side.sync();
    const [shadow = ''] = side.far('sh', '-c', 'ls -d .local/state/sidecar/workspaces/*').split('\n');
    writeFileSync(path.join(side.home, shadow, 'sidecar/lock'), 'not a link');
    side.repo.write('f', 'edited\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
  });
});

describe('a clone on the sidecar', () => {
  it('loses a tracked and ignored file that was deleted here, and holds no drift for one that is edited here', async () => {
    side.repo.write('gone.o', 'x\n');
    side.repo.write('edited.o', 'x\n');
    side.repo.git('add', '-f', 'gone.o', 'edited.o');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.git('rm', '-q', 'gone.o');
    side.repo.write('edited.o', 'edited\n');
    expect((await side.sync({ drift: 'refuse' })).drift).toBeNull();
    expect(existsSync(there('gone.o'))).toBe(false);
    expect(readFileSync(there('edited.o'), 'utf8')).toBe('edited\n');
  });

  it('whose owner’s settings convert line ends holds no drift for that', async () => {
    side.repo.write('lines', 'one\ntwo\n');
    side.repo.commit();
    writeFileSync(path.join(side.home, '.gitconfig'), '[core]\n\tautocrlf = true\n');
    const env = { ...side.repo.env, HOME: side.home };
    side.far('env', `HOME=${env.HOME}`, 'git', 'clone', '-q', side.repo.root, side.workspace);
    expect(readFileSync(there('lines'), 'utf8')).toBe('one\r\ntwo\r\n');
    expect((await side.sync()).drift).toBeNull();
    expect(side.there()).toEqual(side.here());
  });
});

describe('odd things in the working tree', () => {
  it('end the listing where they should: a submodule whose .git is none', async () => {
    const library = GitRepo.init(path.join(side.repo.root, '../library'), side.localHome);
    library.write('code', 'x\n');
    library.commit();
    side.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.root, 'lib');
    rmSync(path.join(side.repo.root, 'lib/.git'));
    mkdirSync(path.join(side.repo.root, 'lib/.git'));
    await side.sync();
    expect(readFileSync(there('lib/code'), 'utf8')).toBe('x\n');
  });

  it('are named: a link called .gitmodules', async () => {
    symlinkSync('f', path.join(side.repo.root, '.gitmodules'));
    expect((await side.sync()).skipped).toEqual([{ path: '.gitmodules', reason: 'gitmodules-link' }]);
    expect(() => lstatSync(there('.gitmodules'))).toThrow();
  });
});
