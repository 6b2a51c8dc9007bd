import { lstat, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../src/files/lock.js';
import { Store } from '../../src/sidecars/store.js';

describe('Store', () => {
  let root: string;
  let path: string;
  const open = (lockWaitMs?: number): Store<{ count: number }> =>
    new Store({
      path,
      schema: v.strictObject({ count: v.number() }),
      initial: { count: 0 },
      ...(lockWaitMs === undefined ? {} : { lockWaitMs }),
    });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sidecar-store-'));
    path = join(root, 'state', 'count.json');
  });
  afterEach(() => rm(root, { recursive: true }));

  it('starts with its initial content and touches nothing to read it', async () => {
    expect(await open().read()).toEqual({ count: 0 });
    await expect(stat(join(root, 'state'))).rejects.toThrow('ENOENT');
  });

  it('keeps what was written, for the next process', async () => {
    expect(await open().update(({ count }) => ({ count: count + 1 }))).toEqual({ count: 1 });
    expect(await open().read()).toEqual({ count: 1 });
  });

  it('loses no change of many made at once', async () => {
    const stores = Array.from({ length: 10 }, () => open());
    await Promise.all(stores.map((store) => store.update(({ count }) => ({ count: count + 1 }))));
    expect(await open().read()).toEqual({ count: 10 });
  });

  it('writes nothing when the change throws, or changes nothing', async () => {
    await open().update(() => ({ count: 1 }));
    const before = await lstat(path);
    await open().update((content) => content);
    const thrown = open().update(() => {
      throw new Error('no');
    });
    await expect(thrown).rejects.toThrow('no');
    expect((await lstat(path)).ino).toBe(before.ino);
  });

  it.each([
    ['no JSON', '{"count": 12'],
    ['JSON of another shape', '{"count": "s3cret"}'],
    ['an unknown key', '{"count": 1, "s3cret": 2}'],
    ['nothing', ''],
    ['an array', '[]'],
  ])('refuses %s, names the file and keeps it', async (_, text) => {
    await open().update(() => ({ count: 1 }));
    await writeFile(path, text);
    const error: unknown = await open()
      .update(() => ({ count: 2 }))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'state.corrupt', facts: { path } });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('does not repeat the content of a file that it cannot understand', async () => {
    await open().update(() => ({ count: 1 }));
    for (const text of ['s3cret', '{"count": "s3cret"}']) {
      await writeFile(path, text);
      const error: unknown = await open()
        .read()
        .catch((thrown: unknown) => thrown);
      expect(JSON.stringify([error, String(error)])).not.toContain('s3cret');
    }
  });

  it('reads while another process writes, and says when it may not write itself', async () => {
    await open().update(() => ({ count: 1 }));
    await withLock(path, async () => {
      expect(await open().read()).toEqual({ count: 1 });
      const busy = open(0).update(() => ({ count: 2 }));
      await expect(busy).rejects.toMatchObject({ code: 'state.busy', facts: { path } });
    });
  });

  it('says that the state directory cannot be used', async () => {
    await writeFile(join(root, 'state'), 'a file in its place');
    await expect(open().update(() => ({ count: 1 }))).rejects.toMatchObject({ code: 'state.unwritable' });
    await expect(open().read()).rejects.toMatchObject({ code: 'state.unwritable' });
  });
});
