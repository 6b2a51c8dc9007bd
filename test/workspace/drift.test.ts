import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'dir/kept', 'dir/other']) side.repo.write(file, `${file}\n`);
  await side.sync();
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);
const content = (file: string): string => readFileSync(there(file), 'utf8');

/** Changes files over there and has a sync save that. Returns the id. */
async function drift(files: Readonly<Record<string, string | null>>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    if (text === null) rmSync(there(file));
    else writeFileSync(there(file), text);
  }
  return (await side.sync()).drift?.id ?? 'none';
}

async function patch(id?: string): Promise<string> {
  return side.asked().showDrift(id, async ({ patch }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of patch.text()) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  });
}

describe('saved drift', () => {
  it('is listed, the latest first, with how much it changed', async () => {
    const one = await drift({ edited: 'by the sidecar\n', added: 'x\n', deleted: null });
    const two = await drift({ 'dir/kept': 'again\n' });
    const { drift: list, workspace } = await side.asked().listDrift();
    expect(workspace).toBe(side.workspace);
    expect(new Set(list.map(({ id }) => id))).toEqual(new Set([one, two]));
    expect([...list].sort((a, b) => (a.id < b.id ? 1 : -1))).toEqual(list);
    expect(list.find(({ id }) => id === one)?.changed).toEqual({ added: 1, modified: 1, deleted: 1 });
    expect(list[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('is none where nothing drifted', async () => {
    expect((await side.asked().listDrift()).drift).toEqual([]);
    await expect(patch()).rejects.toMatchObject({ code: 'drift.unknown', facts: { known: [] } });
  });

  it('is shown as a patch of the landing that it drifted from', async () => {
    const id = await drift({ edited: 'by the sidecar\n', deleted: null });
    const text = await patch();
    expect(text).toContain('-edited\n+by the sidecar\n');
    expect(text).toContain('deleted file mode 100644');
    expect(await patch(id)).toBe(text);
  });

  it('is found by the beginning of its id, or of what follows the time, where that is one alone', async () => {
    const id = await drift({ edited: 'by the sidecar\n' });
    const other = await drift({ edited: 'again\n' });
    expect(await patch(id.slice(0, -3))).toContain('+by the sidecar');
    expect(await patch(other.slice(other.indexOf('-') + 1).slice(0, 6))).toContain('+again');
    const ambiguous = side.asked().showDrift('2', () => Promise.resolve());
    await expect(ambiguous).rejects.toMatchObject({ code: 'drift.unknown', facts: { matches: 2 } });
    for (const wrong of ['', 'x', '-', `${id}0`, '$(touch ran)', '--all', `${id} ${other}`]) {
      await expect(patch(wrong)).rejects.toMatchObject({ code: 'drift.unknown' });
    }
  });
});

describe('restoring saved drift', () => {
  it('puts its files back, and the next sync finds them drifted again', async () => {
    const id = await drift({ edited: 'by the sidecar\n', added: 'x\n', deleted: null, 'caf\u00e9 "\n': 'y\n' });
    const restored = await side.asked().restoreDrift(undefined);
    expect(restored).toMatchObject({ id, drift: null, changed: { added: 2, modified: 1, deleted: 1 } });
    expect(restored.restored).toEqual({
      added: ['added', 'caf\u00e9 "\n'],
      modified: ['edited'],
      deleted: ['deleted'],
    });
    expect([content('edited'), content('added'), content('caf\u00e9 "\n')]).toEqual(['by the sidecar\n', 'x\n', 'y\n']);
    expect(lstatSync(there('deleted'), { throwIfNoEntry: false })).toBeUndefined();
    const { drift: again } = await side.sync();
    expect(again).toMatchObject({ added: ['added', 'caf\u00e9 "\n'], modified: ['edited'], deleted: ['deleted'] });
    expect((await side.asked().listDrift()).drift.map((one) => one.id)).toContain(id);
    expect(side.there()).toEqual(side.here());
  });

  it('puts back only the paths that are asked for', async () => {
    await drift({ edited: 'by the sidecar\n', 'dir/kept': 'one\n', 'dir/other': 'two\n' });
    const { restored } = await side.asked().restoreDrift(undefined, [path.join(side.repo.root, 'dir')]);
    expect(restored.modified).toEqual(['dir/kept', 'dir/other']);
    expect([content('edited'), content('dir/kept')]).toEqual(['edited\n', 'one\n']);
    for (const wrong of [path.join(side.repo.root, 'di'), side.home, path.join(side.repo.root, 'deleted')]) {
      const before = fingerprint(side.workspace);
      await expect(side.asked().restoreDrift(undefined, [wrong])).rejects.toMatchObject({ code: 'usage.invalid' });
      expect(fingerprint(side.workspace)).toBe(before);
    }
  });

  it('saves what has drifted at those paths before, and leaves other drift as it stands', async () => {
    const id = await drift({ edited: 'first\n' });
    writeFileSync(there('edited'), 'second\n');
    writeFileSync(there('dir/kept'), 'also changed\n');
    const restored = await side.asked().restoreDrift(id);
    expect(restored.drift).toMatchObject({ added: [], modified: ['edited'], deleted: [], saved: true });
    expect([content('edited'), content('dir/kept')]).toEqual(['first\n', 'also changed\n']);
    expect(side.farShadow('show', `refs/sidecar/drift/${restored.drift?.id ?? ''}:edited`)).toBe('second\n');
    expect((await side.sync()).drift?.modified).toEqual(['dir/kept', 'edited']);
  });

  it('saves ignored files that stand in its way', async () => {
    const id = await drift({ cache: 'a file\n' });
    side.repo.write('.gitignore', 'cache\n');
    await side.sync();
    mkdirSync(there('cache'));
    writeFileSync(there('cache/x'), 'built there\n');
    const restored = await side.asked().restoreDrift(id);
    expect(content('cache')).toBe('a file\n');
    expect(side.farShadow('show', `refs/sidecar/drift/${restored.drift?.id ?? ''}:cache/x`)).toBe('built there\n');
  });

  it('is harmless where everything stands there already, and leaves what an undo puts back', async () => {
    const replaced = (): string => side.farShadow('rev-parse', 'refs/sidecar/replaced', 'refs/sidecar/landed');
    const id = await drift({ edited: 'by the sidecar\n' });
    const before = replaced();
    await side.asked().restoreDrift(id);
    const again = await side.asked().restoreDrift(id);
    expect(again).toMatchObject({ drift: null, changed: { added: 0, modified: 0, deleted: 0 } });
    expect(replaced()).toBe(before);
  });

  it('follows no link out of the workspace', async () => {
    const id = await drift({ 'dir/kept': 'by the sidecar\n' });
    mkdirSync(path.join(side.home, 'outside'));
    rmSync(there('dir'), { recursive: true });
    symlinkSync('../outside', there('dir'));
    await side.asked().restoreDrift(id);
    expect(content('dir/kept')).toBe('by the sidecar\n');
    expect(lstatSync(there('dir')).isDirectory()).toBe(true);
    expect(side.far('ls', 'outside')).toBe('');
  });
});

describe('dropping saved drift', () => {
  it('deletes what is named, or all, and nothing where one is unknown', async () => {
    const one = await drift({ edited: 'one\n' });
    const two = await drift({ edited: 'two\n' });
    const ids = async (): Promise<string[]> => (await side.asked().listDrift()).drift.map(({ id }) => id);
    await expect(side.asked().dropDrift([one, 'x'])).rejects.toMatchObject({ code: 'drift.unknown' });
    expect(await ids()).toHaveLength(2);
    expect((await side.asked().dropDrift([one])).dropped).toEqual([one]);
    expect(await ids()).toEqual([two]);
    expect((await side.asked().dropDrift('all')).dropped).toEqual([two]);
    expect((await side.asked().dropDrift('all')).dropped).toEqual([]);
  });
});
