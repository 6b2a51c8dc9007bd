import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenSession } from '../../src/sync/request.js';
import { fingerprint, GitRepo } from '../fakes/git-repo.js';
import { memoryTransport, shell } from '../fakes/memory-transport.js';
import { FarSide } from './far-side.js';

let side: FarSide;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept', 'dir/f']) side.repo.write(file, `${file}\n`);
  side.repo.write('.gitignore', '/cache/\n*.o\n');
  await side.sync();
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);

function driftApart(): void {
  writeFileSync(there('edited'), 'by the sidecar\n');
  writeFileSync(there('added'), 'by the sidecar\n');
  rmSync(there('deleted'));
}

describe('drift', () => {
  it('is reported, saved under an id, and overwritten', async () => {
    driftApart();
    const { drift, changed } = await side.sync();
    expect(drift).toMatchObject({ added: ['added'], modified: ['edited'], deleted: ['deleted'], saved: true });
    expect(changed).toEqual({ added: 1, modified: 1, deleted: 1 });
    expect(side.there()).toEqual(side.here());
    const ref = `refs/sidecar/drift/${drift?.id ?? ''}`;
    expect(side.farShadow('show', `${ref}:edited`)).toBe('by the sidecar\n');
    expect(side.farShadow('show', `${ref}:added`)).toBe('by the sidecar\n');
    expect((await side.sync()).drift).toBeNull();
  });

  it('is told by the next sync where the connection was lost before this one could hear of it', async () => {
    driftApart();
    const transport = memoryTransport((command, io) => {
      const stdout = new PassThrough();
      stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes(' done ')) transport.cut();
        else io.stdout.write(chunk);
      });
      return shell({ cwd: side.home, env: { PATH: process.env['PATH'], HOME: side.home } })(command, { ...io, stdout });
    });
    const open = (_: unknown, lost?: { error: Error }): Promise<OpenSession> =>
      lost === undefined ? Promise.resolve({ transport, attempts: 1, elapsedMs: 0 }) : Promise.reject(lost.error);
    await expect(side.sync({ open })).rejects.toMatchObject({ code: 'ssh.connection_lost' });
    expect(side.there()).toEqual(side.here());
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: ['added'], modified: ['edited'], deleted: ['deleted'], saved: true });
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:added`)).toBe('by the sidecar\n');
    expect((await side.sync()).drift).toBeNull();
  });

  it('is refused on request, and nothing is changed', async () => {
    driftApart();
    side.repo.write('kept', 'edited here\n');
    const before = fingerprint(side.workspace);
    await expect(side.sync({ drift: 'refuse' })).rejects.toMatchObject({
      code: 'sync.drifted',
      facts: { added: ['added'], modified: ['edited'], deleted: ['deleted'] },
    });
    expect(fingerprint(side.workspace)).toBe(before);
  });

  it('is no drift where both sides made the same edit', async () => {
    side.repo.write('edited', 'alike\n');
    writeFileSync(there('edited'), 'alike\n');
    rmSync(path.join(side.repo.root, 'deleted'));
    rmSync(there('deleted'));
    const result = await side.sync({ drift: 'refuse' });
    expect(result).toMatchObject({ drift: null, upToDate: true });
  });

  it('in a file that was deleted here is saved', async () => {
    rmSync(path.join(side.repo.root, 'edited'));
    writeFileSync(there('edited'), 'by the sidecar\n');
    const { drift } = await side.sync();
    expect(drift?.modified).toEqual(['edited']);
    expect(side.there()).toEqual(side.here());
  });

  it('that changes the type of a path is saved', async () => {
    rmSync(there('dir'), { recursive: true });
    writeFileSync(there('dir'), 'a file now\n');
    rmSync(there('edited'));
    mkdirSync(there('edited'));
    writeFileSync(there('edited/inner'), 'a directory now\n');
    const { drift } = await side.sync();
    expect(side.there()).toEqual(side.here());
    const ref = `refs/sidecar/drift/${drift?.id ?? ''}`;
    expect(side.farShadow('show', `${ref}:dir`)).toBe('a file now\n');
    expect(side.farShadow('show', `${ref}:edited/inner`)).toBe('a directory now\n');
  });

  it('names paths as they are', async () => {
    for (const name of ['new\nline', 'quo"te', 'café', '-dash']) writeFileSync(there(name), 'x');
    writeFileSync(Buffer.concat([Buffer.from(there('') + '/'), Buffer.from([0x63, 0xe9])]), 'x');
    const { drift } = await side.sync();
    expect(new Set(drift?.added)).toEqual(new Set(['new\nline', 'quo"te', 'café', '-dash', '"c\\351"']));
  });

  it('is not the file that an interrupted landing was at: gone, or there in part', async () => {
    for (const file of ['edited', 'deleted', 'kept']) side.repo.write(file, `${file} in a second version\n`);
    const dry = await side.sync({ dryRun: true });
    const landing = side.farShadow('commit-tree', dry.tree, '-m', 'x').trim();
    side.farShadow('update-ref', 'refs/sidecar/landing', landing);
    rmSync(there('deleted'));
    writeFileSync(there('edited'), 'edited in a sec');
    writeFileSync(there('kept'), 'kept in another version\n');
    const { drift } = await side.sync();
    expect(drift).toMatchObject({ added: [], modified: ['kept'], deleted: [] });
    expect(side.there()).toEqual(side.here());
  });

  it('is not what an interrupted landing left behind', async () => {
    side.repo.write('edited', 'second version\n');
    side.repo.write('kept', 'second version\n');
    const dry = await side.sync({ dryRun: true });
    // As if the connection had gone between two files: the landing was announced, one file is there.
    const landing = side.farShadow('commit-tree', dry.tree, '-m', 'x').trim();
    side.farShadow('update-ref', 'refs/sidecar/landing', landing);
    writeFileSync(there('edited'), 'second version\n');
    side.repo.write('edited', 'third version\n');
    const result = await side.sync({ drift: 'refuse' });
    expect(result.drift).toBeNull();
    expect(side.there()).toEqual(side.here());
  });
});

describe('ignored files on the sidecar', () => {
  it('stay, with their times', async () => {
    mkdirSync(there('cache'));
    writeFileSync(there('cache/x'), 'built there\n');
    writeFileSync(there('dir/f.o'), 'built there\n');
    const before = lstatSync(there('cache/x'), { bigint: true }).mtimeNs;
    side.repo.write('kept', 'edited\n');
    expect((await side.sync()).drift).toBeNull();
    expect(lstatSync(there('cache/x'), { bigint: true }).mtimeNs).toBe(before);
    expect(readFileSync(there('dir/f.o'), 'utf8')).toBe('built there\n');
  });

  it('stay when the rule that ignores them lands with this very tree', async () => {
    mkdirSync(there('dist'));
    writeFileSync(there('dist/x'), 'built there\n');
    side.repo.write('.gitignore', '/cache/\n*.o\ndist/\n');
    expect((await side.sync()).drift).toBeNull();
    expect(readFileSync(there('dist/x'), 'utf8')).toBe('built there\n');
  });

  it('stay when only the user’s own excludes ignore them', async () => {
    mkdirSync(path.join(side.localHome, '.config/git'), { recursive: true });
    writeFileSync(path.join(side.localHome, '.config/git/ignore'), '*.swp\n');
    side.repo.write('.git/info/exclude', '*.tmp\n');
    await side.sync();
    writeFileSync(there('x.swp'), '');
    writeFileSync(there('x.tmp'), '');
    expect((await side.sync()).drift).toBeNull();
    expect(side.far('ls', 'app')).toContain('x.swp\nx.tmp\n');
  });

  it('stay in a directory that ignores itself', async () => {
    mkdirSync(there('.venv'));
    writeFileSync(there('.venv/.gitignore'), '*\n');
    writeFileSync(there('.venv/python'), '');
    expect((await side.sync()).drift).toBeNull();
    expect(readFileSync(there('.venv/python'), 'utf8')).toBe('');
  });

  it('are drift once they are no longer ignored', async () => {
    mkdirSync(there('cache'));
    writeFileSync(there('cache/x'), 'built there\n');
    writeFileSync(there('added'), 'also\n');
    side.repo.write('.gitignore', '*.o\n');
    const { drift } = await side.sync();
    expect(new Set(drift?.added)).toEqual(new Set(['cache/x', 'added']));
    const ref = `refs/sidecar/drift/${drift?.id ?? ''}`;
    expect(side.farShadow('show', `${ref}:cache/x`)).toBe('built there\n');
    expect(side.farShadow('show', `${ref}:added`)).toBe('also\n');
    expect(side.farShadow('for-each-ref', '--format=%(refname)', 'refs/sidecar/drift').trim()).toBe(ref);
    expect(side.there()).toEqual(side.here());
  });

  it('are saved where the tree needs their place', async () => {
    mkdirSync(there('cache'));
    writeFileSync(there('cache/x'), 'built there\n');
    writeFileSync(there('f.o'), 'built there\n');
    writeFileSync(there('same.o'), 'the same on both sides\n');
    side.repo.write('cache', 'a file here\n');
    side.repo.write('f.o', 'tracked here\n');
    side.repo.write('same.o', 'the same on both sides\n');
    side.repo.git('add', '-f', 'f.o', 'same.o');
    const { drift } = await side.sync();
    expect(new Set(drift?.added)).toEqual(new Set(['cache/x', 'f.o']));
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:f.o`)).toBe('built there\n');
    expect(side.there()).toEqual(side.here());
  });
});

describe('a git repository of the sidecar’s own in the workspace', () => {
  it('is left alone and named', async () => {
    const own = GitRepo.init(there('tool'), side.localHome);
    own.write('f', 'x');
    own.commit();
    GitRepo.init(there('fresh'), side.localHome).write('g', 'y');
    const result = await side.sync();
    expect(result).toMatchObject({ drift: null, leftAlone: ['fresh/', 'tool/'] });
    expect(readFileSync(there('tool/f'), 'utf8')).toBe('x');
    expect(side.events).toContainEqual({ kind: 'sync.left_alone', path: 'tool/' });
  });

  it('is not replaced by a file of the tree', async () => {
    GitRepo.init(there('tool'), side.localHome);
    side.repo.write('tool', 'a file\n');
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.remote_failed' });
    expect(lstatSync(there('tool/.git')).isDirectory()).toBe(true);
  });
});

describe('a dry run', () => {
  it('says what a sync would do, and does not', async () => {
    driftApart();
    side.repo.write('kept', 'edited here\n');
    const before = fingerprint(side.workspace);
    const dry = await side.sync({ dryRun: true });
    expect(fingerprint(side.workspace)).toBe(before);
    const real = await side.sync();
    expect(dry).toMatchObject({ dryRun: true, verified: false, upToDate: false });
    expect(dry.drift).toEqual({ ...real.drift, id: null, saved: false });
    expect(dry).toMatchObject({ tree: real.tree, changed: real.changed, sentBytes: real.sentBytes });
  });

  it('makes no workspace', async () => {
    const dry = await side.sync({ dryRun: true, workdir: 'new' });
    expect(dry.changed.added).toBe(5);
    expect(side.far('ls')).toBe('app\n');
  });
});
