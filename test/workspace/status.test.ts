import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'kept']) side.repo.write(file, `${file}\n`);
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);

describe('the status of a workspace', () => {
  it('is in step after a landing, and names its tree and its time', async () => {
    side.repo.commit();
    const { tree } = await side.sync();
    const status = await side.asked().status();
    expect(status).toMatchObject({
      ...{ sidecar: 'web', workspace: side.workspace, inStep: true, tree, stands: tree },
      ...{ changes: { added: [], modified: [], deleted: [] }, drift: null, ours: true, base: null },
    });
    expect(status.landed?.tree).toBe(tree);
    expect(status.landed?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  });

  it('tells what a sync would change, and which of it drifted, and writes nothing there', async () => {
    await side.sync();
    side.repo.write('edited', 'by us\n');
    side.repo.write('ours', 'x\n');
    rmSync(path.join(side.repo.root, 'deleted'));
    writeFileSync(there('kept'), 'by the sidecar\n');
    writeFileSync(there('caf\u00e9\n'), 'by the sidecar\n');
    const before = fingerprint(side.workspace);
    const status = await side.asked().status();
    expect(status).toMatchObject({
      inStep: false,
      changes: { added: ['ours'], modified: ['edited', 'kept'], deleted: ['caf\u00e9\n', 'deleted'] },
      drift: { added: ['caf\u00e9\n'], modified: ['kept'], deleted: [] },
    });
    expect(status.stands).not.toBe(status.tree);
    expect(fingerprint(side.workspace)).toBe(before);
    const { changed, tree } = await side.sync();
    expect(changed).toEqual({ added: 1, modified: 2, deleted: 2 });
    expect(tree).toBe(status.tree);
  });

  it('is in step where both sides made the same edit', async () => {
    await side.sync();
    side.repo.write('edited', 'alike\n');
    writeFileSync(there('edited'), 'alike\n');
    expect(await side.asked().status()).toMatchObject({ inStep: true, drift: null });
  });

  it('of a directory that is not there is all that a sync would add, and makes none', async () => {
    const status = await side.asked().status();
    expect(status).toMatchObject({ inStep: false, ours: true, landed: null, drift: null });
    expect(status.changes.added).toEqual(['deleted', 'edited', 'kept']);
    expect(existsSync(side.workspace)).toBe(false);
  });

  it('of somebody else’s directory says so, and is no failure', async () => {
    mkdirSync(side.workspace);
    writeFileSync(there('theirs'), 'x\n');
    const status = await side.asked().status();
    expect(status).toMatchObject({ inStep: false, ours: false, landed: null, drift: null });
    expect(status.changes).toEqual({ added: ['deleted', 'edited', 'kept'], modified: [], deleted: ['theirs'] });
    expect(readdirSync(side.workspace)).toEqual(['theirs']);
    await expect(side.sync()).rejects.toMatchObject({ code: 'sync.not_empty' });
  });

  it('names the base of a clone, and takes what it checked out for no drift', async () => {
    const commit = side.repo.commit();
    side.repo.git('clone', '-q', side.repo.root, side.workspace);
    side.repo.write('edited', 'by us\n');
    const status = await side.asked().status();
    expect(status).toMatchObject({ base: { ref: 'origin/HEAD', commit }, ours: true, drift: null });
    expect(status.changes).toEqual({ added: [], modified: ['edited'], deleted: [] });
  });

  it('tells where it cannot be had that the workspace is forbidden', async () => {
    await expect(side.asked({ workdir: '~' }).status()).rejects.toMatchObject({ code: 'sync.forbidden_workspace' });
  });
});
