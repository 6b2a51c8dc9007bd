import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../src/files/lock.js';

describe('withLock', () => {
  let root: string;
  let path: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sidecar-lock-'));
    path = join(root, 'file');
  });
  afterEach(() => rm(root, { recursive: true }));

  it('lets one action run at a time', async () => {
    let inside = 0;
    let most = 0;
    const action = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(path, action)));
    expect(most).toBe(1);
  });

  it('returns what the action returns, and leaves no lock behind', async () => {
    expect(await withLock(path, () => Promise.resolve('done'))).toBe('done');
    expect(await readdir(root)).toEqual([]);
  });

  it('lets go when the action fails', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(path, () => Promise.resolve('next'))).toBe('next');
  });

  it('waits for a bounded time, then says what is busy', async () => {
    await withLock(path, async () => {
      const second = withLock(path, () => Promise.resolve(), { waitMs: 0 });
      await expect(second).rejects.toMatchObject({ code: 'state.busy', facts: { path } });
    });
  });

  it('stops waiting with the reason when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    await withLock(path, async () => {
      const second = withLock(path, () => Promise.resolve(), { signal: controller.signal });
      controller.abort(reason);
      await expect(second).rejects.toBe(reason);
    });
  });

  it('takes over the lock of a holder that died', async () => {
    await mkdir(`${path}.lock`);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    expect(await withLock(path, () => Promise.resolve('mine'), { waitMs: 0 })).toBe('mine');
  });

  it('says at once that a lock cannot be made', async () => {
    const nowhere = join(root, 'missing', 'file');
    await expect(withLock(nowhere, () => Promise.resolve())).rejects.toMatchObject({ code: 'state.unwritable' });
  });
});
