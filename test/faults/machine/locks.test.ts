import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncRequest } from '../../../src/sync/request.js';
import { memoryTransport, shell } from '../../fakes/memory-transport.js';
import { FarSide } from '../../sync/far-side.js';
import { onlyDirectory } from './damages.js';
import { tried, type FaultTrial } from '../ledger.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
beforeEach(async () => {
  side = new FarSide();
  stakes = new Stakes(side);
  stakes.work('first');
  await stakes.finish();
  stakes.work('second');
});
afterEach(() => side.remove());

const state = (): string => path.join(side.home, '.local/state/sidecar');
const shadow = (): string => onlyDirectory(path.join(state(), 'workspaces'));
const lock = (): string => path.join(shadow(), 'sidecar/lock');

/** The owner of a lock, as the script writes it: which boot and which process namespace, and which process in it. */
const here = `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}.${readlinkSync('/proc/self/ns/pid')}`;
const anotherBoot = '00000000-0000-4000-8000-000000000000.pid:[4026531836]';
const anotherNamespace = here.replace(/pid:.*/, 'pid:[1]');

function ownerOf({ pid = 0 }: ChildProcess): string {
  const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  return `${pid}:${start}:${here}`;
}

/** Makes it look older, or younger, than it is: a date as touch(1) takes it. */
const date = (file: string, when: string): string => side.far('touch', '-h', '-d', when, file);

/** A sync during which `act` happens as soon as it waits. */
function whenWaiting(act: () => void): Partial<SyncRequest> {
  return {
    emit: (event) => {
      side.events.push(event);
      if (event.kind === 'sync.waiting') act();
    },
  };
}

/** As sshd does it: the far shell is not killed when the session ends, and tidies up after its last answer. */
function unhurried(): Partial<SyncRequest> {
  const far = shell({ cwd: side.home, env: { PATH: process.env['PATH'], HOME: side.home } });
  const transport = { ...memoryTransport(far), close: () => Promise.resolve() };
  return { open: () => Promise.resolve({ transport, attempts: 1, elapsedMs: 0 }) };
}

const patience = { timeout: 30_000 };

const row = (where: string): FaultTrial => ({
  fault: 'stale lock or other leftovers of a killed process',
  where,
  times: 1,
  outcome: 'finished by the same sync',
});

describe('a lock on the workspace', () => {
  it('is waited for while its owner lives, and taken when that one is killed', async (context) => {
    const owner = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(owner, 'spawn');
    symlinkSync(ownerOf(owner), lock());
    await stakes.finish(whenWaiting(() => void owner.kill('SIGKILL')));
    expect(side.events.map(({ kind }) => kind)).toContain('sync.waiting');
    tried(context, row('lock on the sidecar, live owner that is killed'));
  });

  it.each([
    ['another boot of the machine', anotherBoot],
    ['a container beside this one', anotherNamespace],
  ])('whose owner is of %s is waited for, and taken after ten minutes', async (_, place) => {
    symlinkSync(`1:1:${place}`, lock());
    await stakes.finish(whenWaiting(() => void date(lock(), '11 minutes ago')));
    expect(side.events.map(({ kind }) => kind)).toContain('sync.waiting');
  });

  it('of a time to come, from before the clock was set back, is taken', async (context) => {
    symlinkSync(`1:1:${anotherBoot}`, lock());
    date(lock(), 'tomorrow');
    await stakes.finish();
    tried(context, row('lock on the sidecar, owner of another boot'));
  });

  it('is taken although whoever began to clear it was killed as well', async (context) => {
    symlinkSync(`999999999:1:${here}`, lock());
    symlinkSync(`999999998:1:${here}`, `${lock()}.999999999:1:${here}`);
    await stakes.finish();
    expect(readdirSync(path.dirname(lock())).filter((name) => name.startsWith('lock'))).toEqual([]);
    tried(context, row('lock on the sidecar, dead owner'));
  });

  it.each([
    ['a file', () => writeFileSync(lock(), 'x')],
    ['a directory', () => mkdirSync(path.join(lock(), 'in'), { recursive: true })],
  ])('that is %s and no link is cleared away', async (_, put) => {
    put();
    await stakes.finish();
    expect(existsSync(lock())).toBe(false);
  });
});

describe('what a killed git left on the sidecar', () => {
  it('stops no later landing: its locks', async (context) => {
    for (const file of [
      'index',
      'HEAD',
      'config',
      'packed-refs',
      'shallow',
      'refs/sidecar/landed',
      'refs/sidecar/landing',
      'refs/sidecar/replaced',
      'refs/sidecar/drift/x',
      'objects/info/commit-graph',
      'objects/maintenance',
    ])
      put(`${file}.lock`);
    put('gc.pid');
    await stakes.finish();
    stakes.work('third');
    await stakes.finish();
    tried(context, row('locks of git on the sidecar'));
  });

  it('is removed once it is a day old, and left to whom it may belong until then', async (context) => {
    const parts = ['objects/pack/tmp_pack_x', 'objects/pack/tmp_idx_x', 'objects/aa/tmp_obj_x'];
    for (const part of parts) put(part);
    await stakes.finish();
    expect(parts.map((part) => existsSync(path.join(shadow(), part)))).toEqual([true, true, true]);
    for (const part of parts) date(path.join(shadow(), part), '25 hours ago');
    stakes.work('third');
    await stakes.finish(unhurried());
    await expect.poll(() => parts.filter((part) => existsSync(path.join(shadow(), part))), patience).toEqual([]);
    tried(context, row('half-written objects on the sidecar'));
  });
});

describe('a directory for a landing’s own files', () => {
  it('goes with the next sync when its shell was killed', async (context) => {
    leave('tmp.dead', `999999999:1:${here}`);
    await stakes.finish();
    expect(existsSync(path.join(state(), 'tmp.dead'))).toBe(false);
    tried(context, row('temporary directory of a killed landing'));
  });

  it('stays while its shell lives, or may live; after a day it goes', async () => {
    const owner = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(owner, 'spawn');
    leave('tmp.live', ownerOf(owner));
    leave('tmp.elsewhere', `1:1:${anotherNamespace}`);
    leave('tmp.unknown', '');
    const left = ['tmp.live', 'tmp.elsewhere', 'tmp.unknown'];
    await stakes.finish();
    expect(readdirSync(state())).toEqual(expect.arrayContaining(left));
    owner.kill();
    for (const name of left) date(path.join(state(), name), '25 hours ago');
    stakes.work('third');
    await stakes.finish(unhurried());
    await expect.poll(() => left.filter((name) => existsSync(path.join(state(), name))), patience).toEqual([]);
  });
});

describe('what a killed process left here', () => {
  const near = (): string => onlyDirectory(path.join(side.stateDir, 'shadows'));

  it('stops no later sync: locks, of git and of ours', async (context) => {
    for (const name of ['index', 'HEAD', 'config', 'packed-refs', 'refs/sidecar/landed/web']) {
      writeFileSync(path.join(near(), `${name}.lock`), '');
    }
    const ours = `${near()}.lock`;
    mkdirSync(ours);
    date(ours, '1 hour ago');
    await stakes.finish();
    expect(existsSync(ours)).toBe(false);
    stakes.work('third');
    await stakes.finish();
    tried(context, row('locks here'));
  });

  it('or something else in the place of our lock is named, and the sync goes on once it is gone', async (context) => {
    const ours = `${near()}.lock`;
    writeFileSync(ours, 'no lock of ours');
    date(ours, '1 hour ago');
    const answer = await stakes.attempt();
    expect(answer).toMatchObject({ code: 'state.unwritable' });
    expect(JSON.stringify(answer)).toContain(near());
    rmSync(ours);
    await stakes.finish();
    tried(context, {
      fault: 'stale lock or other leftovers of a killed process',
      where: 'something else in the place of our lock here',
      times: 1,
      outcome: 'clear error; finished once the cause was gone',
    });
  });
});

function put(name: string): void {
  const file = path.join(shadow(), name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, 'left');
}

function leave(name: string, owner: string): void {
  const directory = path.join(state(), name);
  mkdirSync(directory);
  writeFileSync(path.join(directory, 'owner'), owner === '' ? '' : `${owner}\n`);
}
