import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sidecars } from '../../../src/client.js';
import { withLock } from '../../../src/files/lock.js';
import { sampleMade } from '../../sidecars/sample-record.js';
import type { SidecarRecord } from '../../../src/sidecars/record.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { scratch } from '../../fakes/git-repo.js';
import { builtModules } from './built-modules.js';
import { leftovers, StateDirectory } from './witness.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';

let user: BuiltProgram;
let state: StateDirectory;
beforeEach(() => {
  user = new BuiltProgram();
  state = new StateDirectory(user.env['SIDECAR_HOME'] ?? '');
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

describe('commands on the registry at once', () => {
  it('lose nothing of each other, and no reader ever sees a file that is not whole', async (context) => {
    for (const name of ['gone-1', 'gone-2', 'used', 'stays']) {
      expect((await user.type('add', '--no-use', name, 'one.example')).code).toBe(0);
    }
    const other = user.directory('other');
    const commands: string[][] = [
      ...['a', 'b', 'c', 'd', 'e'].map((name) => ['add', '--no-use', name, `${name}.example`]),
      ['create', '--no-use', 'machine'],
      ['forget', 'gone-1'],
      ['delete', 'gone-2'],
      ['use', 'used'],
      ['use', 'stays', '-C', other],
      ['list'],
      ['list'],
    ];
    let reads = 0;
    const work = { done: false };
    const ended = Promise.all(commands.map((argv) => user.type(...argv, '--json'))).finally(() => (work.done = true));
    while (!work.done) {
      expect(state.names().length).toBeGreaterThanOrEqual(2);
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await ended).map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      commands.map(() => ({ code: 0, stderr: '' })),
    );
    expect(reads).toBeGreaterThan(0);
    expect(state.names()).toEqual(['a', 'b', 'c', 'd', 'e', 'machine', 'stays', 'used']);
    expect(state.registry()?.current).toEqual({ [user.project.root]: 'used', [other]: 'stays' });
    expect(leftovers(state.path)).toEqual([]);
    tried(context, {
      fault: 'registry commands at once',
      where: 'add, create, use, forget, delete and list as processes',
      times: commands.length,
      outcome: 'finished by the same sync',
    });
  });

  it('go on, one at a time, when they find the lock of one that died', async (context) => {
    const place = scratch();
    const modules = await builtModules();
    const rounds = 8 * scale;
    for (let round = 0; round < rounds; round += 1) {
      const lock = path.join(place.path, `${String(round)}.lock`);
      mkdirSync(lock);
      utimesSync(lock, 1, 1);
    }
    try {
      await atOnce({ modules: modules.directory, place: place.path, rounds });
      expect(readdirSync(place.path)).toEqual([]);
    } finally {
      place.remove();
      await modules.remove();
    }
    tried(context, {
      fault: 'the lock of a process that died',
      where: 'found by five processes at once',
      times: rounds,
      outcome: 'finished by the same sync',
    });
  });
});

/** Five processes take the lock of `place/0`, then that of `place/1` and so on, each time in the same instant. */
async function atOnce({ modules, place, rounds }: { modules: string; place: string; rounds: number }): Promise<void> {
  const script = `
    const [modules, place, rounds] = process.argv.slice(1);
    const { mkdirSync, rmdirSync } = await import('node:fs');
    const { once } = await import('node:events');
    const { withLock } = await import(modules + '/src/files/lock.js');
    for (let round = 0; round < Number(rounds); round += 1) {
      process.send('ready');
      await once(process, 'message');
      await withLock(place + '/' + round, async () => {
        mkdirSync(place + '/inside'); // fails when somebody is
        await new Promise((resolve) => setTimeout(resolve, 2));
        rmdirSync(place + '/inside');
      });
    }
    process.disconnect();
  `;
  const argv = ['--input-type=module', '-e', script, modules, place, String(rounds)];
  const children = Array.from({ length: 5 }, () =>
    spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const exits = Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  let ready = 0;
  for (const child of children) {
    child.on('message', () => {
      ready += 1;
      if (ready % children.length === 0) for (const each of children) each.send('go');
    });
    child.on('exit', (code) => {
      if (code !== 0) for (const each of children) each.kill(); // the others would wait for it
    });
  }
  expect(await exits).toEqual(children.map(() => 0));
}

describe('a delete that others overtake', () => {
  it('leaves the sidecar alone that took the name meanwhile', async () => {
    const sidecars = new Sidecars({ env: user.env, homeDir: user.home });
    const record = (createdAt: string): SidecarRecord => ({
      ...{ name: 'web', createdAt, hostKeys: [] },
      provider: sampleMade,
    });
    await sidecars.registry.add(record('2026-01-01T00:00:00.000Z'));
    mkdirSync(state.at('local/web'), { recursive: true });

    let deleting: Promise<void> | undefined;
    await withLock(state.at('sidecars.json'), async () => {
      deleting = sidecars.delete('web');
      // It has ended the machine.
      await vi.waitFor(() => expect(state.machines()).not.toContain('web'), { timeout: 20_000 });
      // What another delete and a create do before it gets to the registry:
      const file = { ...state.registry(), sidecars: [record('2026-01-02T00:00:00.000Z')] };
      writeFileSync(state.at('sidecars.json'), JSON.stringify(file));
    });
    await deleting?.catch((error: unknown) => expect(error).toMatchObject({ code: 'sidecar.unknown' }));
    expect(await sidecars.registry.list()).toEqual([record('2026-01-02T00:00:00.000Z')]);
  });
});
