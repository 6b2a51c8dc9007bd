import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { explain } from '../../../cmd/ui/explain.js';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { FarSide } from '../../sync/far-side.js';
import { giveAway, unprivilegedLogin } from './another-user.js';
import { tried } from '../ledger.js';
import { describeAsRoot, Mount, ReadOnly } from './mounts.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
/** Undoes a fault. */
let undo: () => void = () => undefined;
beforeEach(() => {
  side = new FarSide();
  stakes = new Stakes(side);
});
afterEach(() => {
  undo();
  undo = () => undefined;
  side.remove();
});

const there = (file: string): string => path.join(side.workspace, file);

function expectRefusal(answer: SyncResult | SidecarError, reason: RegExp): void {
  expect(answer).toMatchObject({ code: 'sync.remote_failed' });
  if (!(answer instanceof SidecarError)) return;
  expect(explain(answer).message).toMatch(reason);
  expect(explain(answer).hint).not.toBe('');
}

const row = (where: string) =>
  ({ fault: 'no permission', where, times: 1, outcome: 'clear error; finished once the cause was gone' }) as const;

function readOnly(directory: string): void {
  const mount = new ReadOnly(directory);
  undo = () => mount.remove();
}

function makeImmutable(file: string): void {
  execFileSync('chattr', ['+i', file]);
  undo = () => execFileSync('chattr', ['-i', file]);
}

function over(): void {
  undo();
  undo = () => undefined;
}

describeAsRoot('a sidecar on which the tree cannot be written', () => {
  it('because the workspace is read-only, says so; the drift stays, and the next sync lands', async (context) => {
    mkdirSync(side.workspace);
    readOnly(side.workspace);
    stakes.work('first');
    expectRefusal(await stakes.attempt(), /Read-only file system/);
    over();
    await stakes.finish();
    stakes.work('later');
    readOnly(side.workspace);
    expectRefusal(await stakes.attempt(), /Read-only file system/);
    over();
    await stakes.finish();
    tried(context, row('read-only workspace'));
  });

  it('because the state directory is read-only, says so, and the next sync lands', async (context) => {
    await stakes.finish();
    stakes.work('later');
    readOnly(path.join(side.home, '.local/state'));
    expectRefusal(await stakes.attempt(), /Read-only file system/);
    over();
    await stakes.finish();
    tried(context, row('read-only state directory on the sidecar'));
  });

  for (const [what, file] of [
    ['a file that the tree changes', 'both'],
    ['a file that the tree deletes', 'tool'],
    ['a directory that the tree changes', 'new'],
  ] as const) {
    it(`because ${what} is immutable, says which; what landed in part is finished by the next sync`, async (context) => {
      stakes.work('first');
      await stakes.finish();
      stakes.work('later');
      if (file === 'tool') {
        rmSync(path.join(side.repo.root, 'tool'));
        stakes.rework();
      }
      makeImmutable(there(file));
      expectRefusal(await stakes.attempt(), new RegExp(`${file}.*Operation not permitted`));
      over();
      await stakes.finish();
      tried(context, row('immutable file or directory in the workspace'));
    });
  }
});

describeAsRoot('a login that is not root’s', () => {
  it('cannot write in a directory of somebody else: it is named, and the next sync lands', async (context) => {
    const shell = unprivilegedLogin(side);
    stakes.work('first');
    await stakes.finish({ shell });
    stakes.work('later');
    giveAway(side.workspace);
    chownSync(there('new'), 0, 0);
    expectRefusal(await stakes.attempt({ shell }), /new\/(first|later).*Permission denied/);
    giveAway(side.workspace);
    await stakes.finish({ shell });
    tried(context, row('directory of another user in the workspace'));
  });

  it('replaces files of somebody else, and saves what they held', async (context) => {
    const shell = unprivilegedLogin(side);
    await stakes.finish({ shell });
    stakes.work('later');
    giveAway(side.workspace);
    for (const file of ['both', 'theirs', 'left/later']) chownSync(there(file), 0, 0);
    await stakes.finish({ shell });
    tried(context, {
      fault: 'no permission',
      where: 'files of another user in the workspace',
      times: 1,
      outcome: 'kept',
    });
  });

  it('cannot remove what somebody put into a directory of their own: it is named, and never passed over', async (context) => {
    const shell = unprivilegedLogin(side);
    await stakes.finish({ shell });
    stakes.work('later');
    chownSync(there('left'), 0, 0);
    expectRefusal(await stakes.attempt({ shell }), /left\/later.*Permission denied/);
    giveAway(side.workspace);
    await stakes.finish({ shell });
    tried(context, row('directory of another user in the workspace'));
  });

  it('touches nothing while drift cannot be read, so not saved', async (context) => {
    const shell = unprivilegedLogin(side);
    await stakes.finish({ shell });
    stakes.work('later');
    giveAway(side.workspace);
    chmodSync(there('both'), 0o000);
    expectRefusal(await stakes.attempt({ shell }), /both.*Permission denied/);
    chmodSync(there('both'), 0o644);
    await stakes.finish({ shell });
    tried(context, row('drift that cannot be read'));
  });

  it('cannot look into a directory of the tree: what lies in it is not taken for unchanged', async (context) => {
    const shell = unprivilegedLogin(side);
    await stakes.finish({ shell });
    giveAway(side.workspace);
    for (const work of [true, false]) {
      if (work) stakes.work('later');
      giveAway(side.workspace);
      chmodSync(there('d1'), 0o000);
      expectRefusal(await stakes.attempt({ shell }), /d1\/.*Permission denied/);
      chmodSync(there('d1'), 0o755);
      await stakes.finish({ shell });
    }
    tried(context, row('directory that cannot be read'));
  });

  it('cannot look into a directory of somebody else: it is left alone, and named', async (context) => {
    const shell = unprivilegedLogin(side);
    await stakes.finish({ shell });
    stakes.work('later');
    giveAway(side.workspace);
    chmodSync(there('left'), 0o000);
    expect((await side.sync({ shell })).leftAlone).toEqual(['left/']);
    expect(stakes.lost()).toEqual([]);
    chmodSync(there('left'), 0o755);
    expect((await stakes.finish({ shell })).drift?.added).toEqual(['left/later']);
    tried(context, { fault: 'no permission', where: 'directory that cannot be read', times: 1, outcome: 'kept' });
  });

  it.each([
    ['the home directory', '', /Permission denied/],
    ['the directory around the workspace', 'projects', /cannot make the workspace.*Permission denied/],
  ])('cannot write in %s: it says so, and the next sync lands', async (_, directory, reason) => {
    const shell = unprivilegedLogin(side);
    const full = path.join(side.home, directory);
    mkdirSync(full, { recursive: true });
    chownSync(full, 0, 0);
    const options = { shell, ...(directory === '' ? {} : { workdir: `${directory}/app` }) };
    expectRefusal(await stakes.attempt(options), reason);
    giveAway(side.home);
    expect((await side.sync(options)).verified).toBe(true);
  });
});

describeAsRoot('a home directory from which no program may be started', () => {
  it('is no hindrance', async (context) => {
    const mount = new Mount(side.home, 'noexec,size=20m');
    undo = () => mount.remove();
    await stakes.finish();
    stakes.work('later');
    await stakes.finish();
    expect(existsSync(there('tool'))).toBe(true);
    writeFileSync(path.join(side.home, 'probe'), '#!/bin/sh\n', { mode: 0o755 });
    expect(() => execFileSync(path.join(side.home, 'probe'))).toThrow(/EACCES/);
    tried(context, { fault: 'odd machine', where: 'noexec home', times: 1, outcome: 'harmless' });
  });
});
