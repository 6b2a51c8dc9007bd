import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../fakes/git-repo.js';
import { FarSide } from '../sync/far-side.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'deleted', 'dir/kept']) side.repo.write(file, `${file}\n`);
  side.repo.write('.gitignore', '/cache/\n');
});
afterEach(() => side.remove());

const there = (file: string): string => path.join(side.workspace, file);

describe('a workspace', () => {
  it('is what landed there, and how much was read is told', async () => {
    const { tree } = await side.sync();
    mkdirSync(there('cache'));
    writeFileSync(there('cache/x'), 'ignored\n');
    expect(await side.asked().verify()).toMatchObject({
      ...{ sidecar: 'web', workspace: side.workspace, verified: true, tree },
      ...{ files: 4, bytes: 'edited\ndeleted\ndir/kept\n/cache/\n'.length },
    });
  });

  it('differs where its index over there knows nothing of a change', async () => {
    const { tree } = await side.sync();
    const { atime, mtime } = lstatSync(there('edited'));
    writeFileSync(there('edited'), 'EDITED\n');
    utimesSync(there('edited'), atime, mtime);
    // As if git had looked at it since: it takes the new bytes for those that landed.
    side.farShadow(`--work-tree=${side.workspace}`, 'update-index', '--assume-unchanged', 'edited');
    expect((await side.asked().status()).inStep).toBe(true);
    await expect(side.asked().verify()).rejects.toMatchObject({
      code: 'verify.differs',
      facts: { tree, workspace: side.workspace, added: [], modified: ['edited'], deleted: [], files: 4 },
    });
  });

  it('differs in paths that were added, deleted, or became programs', async () => {
    await side.sync();
    writeFileSync(there('added'), '');
    rmSync(there('deleted'));
    chmodSync(there('dir/kept'), 0o755);
    await expect(side.asked().verify()).rejects.toMatchObject({
      code: 'verify.differs',
      facts: { added: ['added'], modified: ['dir/kept'], deleted: ['deleted'] },
    });
  });

  it('that is gone differs in every path, and is not made', async () => {
    await side.sync();
    rmSync(side.workspace, { recursive: true });
    await expect(side.asked().verify()).rejects.toMatchObject({ code: 'verify.differs', facts: { files: 0 } });
    expect(existsSync(side.workspace)).toBe(false);
  });

  it('where nothing has landed cannot be compared with it', async () => {
    mkdirSync(side.workspace);
    writeFileSync(there('theirs'), 'x\n');
    await expect(side.asked().verify()).rejects.toMatchObject({ code: 'verify.nothing_landed' });
  });

  it('is only read, and the index over there is left to itself', async () => {
    await side.sync();
    writeFileSync(there('edited'), 'by the sidecar\n');
    const before = fingerprint(side.workspace);
    const index = (): Buffer => Buffer.from(side.farShadow('ls-files', '-s', '--debug'));
    const known = index();
    await expect(side.asked().verify()).rejects.toMatchObject({ code: 'verify.differs' });
    expect(fingerprint(side.workspace)).toBe(before);
    expect(index().equals(known)).toBe(true);
    expect((await side.sync()).drift?.modified).toEqual(['edited']);
  });
});
