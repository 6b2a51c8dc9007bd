import { chmod, lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkPrivateDirectory, makePrivateDirectory, writePrivateFile } from '../../src/files/private-files.js';

const mode = async (path: string): Promise<string> => ((await lstat(path)).mode & 0o777).toString(8);

describe('private files', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sidecar-private-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  describe.each(['000', '022', '077', '777'])('with an umask of %s', (octal) => {
    let before: number;
    beforeEach(() => (before = process.umask(parseInt(octal, 8))));
    afterEach(() => void process.umask(before));

    it('makes a directory and its parents 0700', async () => {
      await makePrivateDirectory(join(root, 'a', 'b'));
      expect([await mode(join(root, 'a')), await mode(join(root, 'a', 'b'))]).toEqual(['700', '700']);
    });

    it('writes a file 0600, new or there already', async () => {
      const path = join(root, 'file');
      await writePrivateFile(path, 'one');
      expect(await mode(path)).toBe('600');
      await chmod(path, 0o644);
      await writePrivateFile(path, 'two');
      expect([await mode(path), await readFile(path, 'utf8')]).toEqual(['600', 'two']);
    });
  });

  it('leaves the mode of a directory that exists to its owner', async () => {
    await chmod(root, 0o750);
    await makePrivateDirectory(root);
    expect(await mode(root)).toBe('750');
  });

  describe('checks a directory', () => {
    it.each([0o700, 0o755, 0o1755])('and takes it as private when only its owner can write: %o', async (allowed) => {
      await writeFile(join(root, 'file'), '');
      await chmod(root, allowed);
      await checkPrivateDirectory(root);
      expect((await lstat(root)).mode & 0o7777).toBe(allowed);
    });

    it.each([0o770, 0o702, 0o777, 0o1777])('and refuses one in which others can write: %o', async (shared) => {
      await writeFile(join(root, 'file'), '');
      await chmod(root, shared);
      await expect(checkPrivateDirectory(root)).rejects.toMatchObject({
        code: 'state.exposed',
        facts: { path: root, mode: `0${shared.toString(8)}` },
      });
    });

    it('and makes one private that is still empty', async () => {
      await chmod(root, 0o777);
      await Promise.all(Array.from({ length: 10 }, () => checkPrivateDirectory(root)));
      expect(await mode(root)).toBe('700');
    });

    it('that is not there: that is no danger', async () => {
      await checkPrivateDirectory(join(root, 'absent'));
    });
  });

  it('makes the same directory many times at once', async () => {
    const path = join(root, 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 20 }, () => makePrivateDirectory(path)));
    expect(await mode(path)).toBe('700');
  });

  it('keeps a link a link, and replaces what it leads to', async () => {
    await writeFile(join(root, 'real'), 'one');
    await symlink('real', join(root, 'link'));
    await writePrivateFile(join(root, 'link'), 'two');
    expect((await lstat(join(root, 'link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(root, 'real'), 'utf8')).toBe('two');
  });

  it('says which path cannot be written, and why', async () => {
    await writeFile(join(root, 'file'), '');
    const below = join(root, 'file', 'below');
    const facts = { path: below, reason: expect.stringContaining('ENOTDIR') as string };
    await expect(makePrivateDirectory(below)).rejects.toMatchObject({ code: 'state.unwritable', facts });
    await expect(writePrivateFile(below, '')).rejects.toMatchObject({ code: 'state.unwritable', facts });
  });
});
