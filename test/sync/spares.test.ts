import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Spares } from '../../src/sync/spares.js';
import { fakeClock } from '../fakes/clock.js';
import { GitRepo } from '../fakes/git-repo.js';
import { shell } from '../fakes/memory-transport.js';
import { helloLines, liar } from '../faults/hostile/liar.js';
import { FarSide } from './far-side.js';
import { WarmConnection } from './warm.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('f', 'x\n');
  side.repo.write('g', 'y\n');
  side.repo.commit();
});
afterEach(() => side.remove());

const state = (): string => path.join(side.home, '.local/state/sidecar');

/** A sync that takes the conversation that waits. How many were greeted for it, besides. */
async function warmSync(options: Parameters<FarSide['sync']>[0] = {}) {
  const connection = await side.warm();
  const before = connection.greeted;
  const result = await side.sync({ ...options, warm: true });
  expect(side.there()).toEqual(side.here());
  // One more waits for the next sync.
  return { result, greeted: connection.greeted - before - 1 };
}

/** Ends what waits over there, as an administrator may. */
async function endWaiting(connection: WarmConnection): Promise<void> {
  const [owner = ''] = readdirSync(state()).filter((name) => name.startsWith('tmp.'));
  const pid = Number(side.far('cat', path.join(state(), owner, 'owner')).split(':')[0]);
  process.kill(pid, 'SIGKILL');
  await connection.atMost(0);
}

describe('a conversation that waits for the next sync', () => {
  it('is taken by it, and another waits then', async () => {
    await warmSync();
    side.repo.write('f', 'edited\n');
    expect(await warmSync()).toMatchObject({ greeted: 0, result: { verified: true, drift: null } });
    expect(await warmSync()).toMatchObject({ greeted: 0, result: { upToDate: true, sentBytes: 0 } });
  });

  it('sees what changed over there while it waited, also where nothing changed here', async () => {
    await warmSync();
    writeFileSync(path.join(side.workspace, 'f'), 'over there\n');
    const { result, greeted } = await warmSync();
    expect(greeted).toBe(0);
    expect(result).toMatchObject({ changed: { modified: 1 }, drift: { modified: ['f'], saved: true } });
  });

  it('is given up when the base changed meanwhile, and the result names the new one', async () => {
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    await warmSync();
    const clone = new GitRepo(side.workspace, side.localHome);
    clone.git('remote', 'set-head', 'origin', '--delete');
    const commit = clone.commit('over there');
    side.repo.write('f', 'edited\n');
    const { result, greeted } = await warmSync();
    expect(result.base).toEqual({ ref: 'HEAD', commit });
    expect(greeted).toBe(1);
  });

  it('is given up when somebody else landed meanwhile', async () => {
    await warmSync();
    const clone = path.join(side.repo.root, '../second/app');
    side.repo.git('clone', '-q', side.repo.root, clone);
    writeFileSync(path.join(clone, 'f'), 'from the second clone\n');
    await side.sync({ directory: clone, stateDir: side.otherState(), warm: false });
    side.repo.write('g', 'edited\n');
    const { result, greeted } = await warmSync();
    expect(greeted).toBe(1);
    expect(result).toMatchObject({ drift: null, changed: { added: 0, modified: 2, deleted: 0 } });
  });

  it('lands in a workspace that was removed meanwhile', async () => {
    await warmSync();
    rmSync(side.workspace, { recursive: true });
    const { result } = await warmSync();
    expect(result.drift).toMatchObject({ deleted: ['f', 'g'] });
  });

  it('keeps what stands in a workspace that was replaced meanwhile', async () => {
    await warmSync();
    renameSync(side.workspace, `${side.workspace}.old`);
    mkdirSync(side.workspace);
    writeFileSync(path.join(side.workspace, 'mine'), 'a project of its own\n');
    const { result } = await warmSync();
    expect(side.farShadow('show', `refs/sidecar/drift/${result.drift?.id ?? ''}:mine`)).toBe('a project of its own\n');
  });

  it('takes no stranger’s directory for the one it was greeted about', async () => {
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    await side.warm();
    rmSync(side.workspace, { recursive: true });
    const other = GitRepo.init(side.workspace, side.localHome);
    other.write('mine', 'a project of its own\n');
    other.commit();
    await expect(side.sync({ warm: true })).rejects.toMatchObject({ code: 'sync.not_empty' });
    expect(readdirSync(side.workspace).sort()).toEqual(['.git', 'mine']);
  });

  it('is given up when the workspace was cloned meanwhile', async () => {
    await warmSync();
    rmSync(side.workspace, { recursive: true });
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    const { result, greeted } = await warmSync();
    expect(result).toMatchObject({ drift: null, base: { ref: 'origin/HEAD' }, upToDate: true });
    expect(greeted).toBe(1);
  });

  it('is given up when the way to the workspace leads elsewhere now', async () => {
    mkdirSync(path.join(side.home, 'one'));
    mkdirSync(path.join(side.home, 'two'));
    symlinkSync('one', path.join(side.home, 'app'));
    await warmSync();
    rmSync(path.join(side.home, 'app'));
    symlinkSync('two', path.join(side.home, 'app'));
    const { result, greeted } = await warmSync();
    expect(result.workspace).toBe(path.join(side.home, 'two'));
    expect(greeted).toBe(1);
  });

  it('borrows from where the workspace’s repository keeps its objects now', async () => {
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    await warmSync();
    const git = path.join(side.workspace, '.git');
    renameSync(git, `${side.home}/moved.git`);
    writeFileSync(git, `gitdir: ${side.home}/moved.git\n`);
    side.repo.write('f', 'edited\n');
    expect((await warmSync()).result).toMatchObject({ verified: true, drift: null });
  });

  it.each([
    ['a file of the shadow is damaged', () => writeFileSync(path.join(shadow(), 'config'), 'damaged')],
    ['the shadow is gone', () => rmSync(shadow(), { recursive: true })],
    ['all its state is gone', () => rmSync(state(), { recursive: true })],
    ['its index is damaged', () => writeFileSync(path.join(shadow(), 'index'), 'damaged')],
  ])('serves or is given up when %s meanwhile', async (_, damage) => {
    await warmSync();
    damage();
    side.repo.write('f', 'edited\n');
    expect((await warmSync({ adopt: true })).result.verified).toBe(true);
  });

  const shadow = (): string => {
    const workspaces = path.join(state(), 'workspaces');
    return path.join(workspaces, readdirSync(workspaces)[0] ?? '');
  };

  it('that has died is replaced', async () => {
    await warmSync();
    await endWaiting(await side.warm());
    side.repo.write('f', 'edited\n');
    expect((await warmSync()).result.verified).toBe(true);
  });

  it('that ends unheard is replaced, on the same connection', async () => {
    let greeted = 0;
    const farShell = shell({ cwd: side.home, env: { PATH: process.env['PATH'], HOME: side.home } });
    const mute = liar(async (stage) => {
      await stage.request();
      for (const line of helloLines()) await stage.say(line);
      expect(await stage.request()).toBe('begin');
      return undefined;
    });
    const connection = new WarmConnection((command, io) => (greeted++ === 0 ? mute : farShell)(command, io));
    await connection.spares.prepare({ format: 'sha1', workspace: 'app' });
    const { verified } = await side.sync({ open: () => Promise.resolve(connection.session) });
    expect(verified).toBe(true);
    expect(side.there()).toEqual(side.here());
    await connection.spares.settled;
    connection.close();
  });

  it('for more than an hour is too old', async () => {
    const clock = fakeClock();
    const { transport } = new WarmConnection(
      shell({ cwd: side.home, env: { PATH: process.env['PATH'], HOME: side.home } }),
    );
    const spares = new Spares(transport, clock);
    const asked = { format: 'sha1', workspace: 'app' } as const;
    await spares.prepare(asked);
    await clock.advance(3_600_001);
    expect(spares.take(asked)).toBeUndefined();
    await spares.prepare(asked);
    expect(spares.take(asked)?.there.workspace).toBe(side.workspace);
    await transport.close();
  });

  it('leaves nothing behind when the connection ends', async () => {
    await warmSync();
    const connection = await side.warm();
    await connection.spares.close();
    await connection.spares.close();
    await connection.atMost(0);
    expect(readdirSync(state()).filter((name) => name.startsWith('tmp.'))).toEqual([]);
    expect(existsSync(side.workspace)).toBe(true);
  });
});

describe('syncs over one connection', () => {
  it('may run at the same time: one takes the conversation that waits, the others have their own', async () => {
    await warmSync();
    side.repo.write('f', 'edited\n');
    const results = await Promise.all([1, 2, 3].map(() => side.sync({ warm: true })));
    expect(new Set(results.map(({ tree }) => tree)).size).toBe(1);
    expect(side.there()).toEqual(side.here());
  });

  it('of several workspaces keep a few conversations waiting, not one for each', async () => {
    for (const workdir of ['one', 'two', 'three', 'four', 'five', 'six']) await side.sync({ workdir, warm: true });
    const waiting = (): string[] => readdirSync(state()).filter((name) => name.startsWith('tmp.'));
    const connection = await side.warm({ workdir: 'six' });
    await connection.atMost(4);
    expect(waiting()).toHaveLength(4);
  });
});
