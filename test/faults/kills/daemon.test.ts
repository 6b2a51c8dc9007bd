import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askDaemon } from '../../../src/daemon/client.js';
import { daemonPlace } from '../../../src/daemon/place.js';
import type { DaemonStatus } from '../../../src/daemon/status.js';
import type { SyncResult } from '../../../src/sync/result.js';
import type { StepFault } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { KilledCommand } from './killed-command.js';

const kinds: readonly (readonly [string, StepFault])[] = [
  ['is killed before git starts', 'the starter is killed before'],
  ['is killed after git is done', 'the starter is killed after'],
  ['is killed while git works on', 'the starter is killed, and it works on'],
];

let command: KilledCommand;
beforeAll(async () => {
  command = new KilledCommand({ daemon: true });
  expect((await command.user.type('create', 'web')).code).toBe(0);
  await warmUp();
  command.change('first');
  await command.expectNextSyncFinishes();
});
afterAll(() => command[Symbol.asyncDispose]());

/** Starts the daemon where there is none, and waits until it has nothing to do but wait. */
async function warmUp(): Promise<DaemonStatus> {
  await command.user.type('wait');
  return command.user.restedDaemon();
}

/** The same command finishes, whatever became of the daemon. */
async function expectSyncLands(): Promise<SyncResult> {
  const { code, stdout, stderr } = await command.startSync().ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('error') as string });
  command.expectLanded();
  const result = JSON.parse(stdout) as SyncResult;
  expect(result).toMatchObject({ verified: true, drift: { saved: true } });
  return result;
}

/** How many programs a sync through the daemon starts. */
async function countSteps(): Promise<number> {
  command.change('later');
  command.steps.plan(0);
  expect(await expectSyncLands()).toMatchObject({ warm: true });
  return command.steps.taken.length;
}

describe('a daemon that works for a sync', () => {
  const limits = { timeout: 300_000 * scale };

  it.for(kinds)('%s: the sync finishes all the same', limits, async ([, fault], context) => {
    const steps = await countSteps();
    let times = 0;
    for (let step = 1; step <= steps; step += scale > 1 ? 1 : 2) {
      command.change('later');
      command.steps.plan(step, fault);
      // Of a lock that a killed one held is waited for as for any other's: a dead holder's goes after 10 s.
      const sync = expectSyncLands();
      const aging = setInterval(() => command.ageLocks(), 200);
      const { warm } = await sync.finally(() => clearInterval(aging));
      if (!command.steps.struck) continue; // it starts several at a time, and one less now and then
      // Nobody waits for the end of the one that reads objects.
      if (!(command.steps.taken[step - 1] ?? '').includes('cat-file'))
        expect({ step, warm }).toEqual({ step, warm: false });
      times += 1;
      await warmUp();
    }
    expect(times).toBeGreaterThan(0);
    const outcome = 'finished by the same sync';
    tried(context, { fault: 'kill -9 of the daemon', where: 'at any git that it starts', times, outcome });
  });

  it('hangs: the sync finishes without it', limits, async (context) => {
    const steps = await countSteps();
    let times = 0;
    for (let step = 1; step <= steps; step += scale > 1 ? 1 : 4) {
      const { pid } = await warmUp();
      command.change('later');
      command.steps.plan(step, 'the starter is stopped');
      const sync = expectSyncLands();
      const aging = setInterval(() => command.ageLocks(), 200);
      const { warm } = await sync.finally(() => clearInterval(aging));
      if (!command.steps.struck) continue;
      expect({ step, warm }).toEqual({ step, warm: false });
      process.kill(pid, 'SIGKILL');
      times += 1;
    }
    expect(times).toBeGreaterThan(0);
    await warmUp();
    const outcome = 'finished by the same sync';
    tried(context, { fault: 'a daemon that hangs', where: 'at any git that it starts', times, outcome });
  });

  it('is told to make room for a newer one: it finishes what it has begun', limits, async (context) => {
    const steps = await countSteps();
    let times = 0;
    for (let step = 1; step <= steps; step += scale > 1 ? 1 : 2) {
      const { build, pid } = await warmUp();
      const place = await daemonPlace(command.user.env['SIDECAR_HOME'] ?? '', {
        platform: 'linux',
        uid: process.getuid?.(),
      });
      const newer = { ...build, builtMs: build.builtMs + 1 };
      command.change('later');
      command.steps.plan(step, 'it waits');
      let told: Promise<unknown> | undefined;
      const reached = command.steps.onReached(() => {
        told = askDaemon({ command: 'ping' }, { place, build: newer });
      });
      const { warm } = await expectSyncLands();
      reached.stop();
      if (!command.steps.struck) continue;
      expect({ step, warm, told: await told }).toEqual({ step, warm: true, told: { kind: 'without', why: 'older' } });
      expect((await warmUp()).pid).not.toBe(pid);
      times += 1;
    }
    expect(times).toBeGreaterThan(0);
    const outcome = 'finished by the same sync';
    tried(context, { fault: 'a daemon that is replaced', where: 'at any git that it starts', times, outcome });
  });
});
