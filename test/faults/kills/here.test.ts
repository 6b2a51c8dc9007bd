import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepFault } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { KilledCommand } from './killed-command.js';

/** What a kill of the command leaves of the git that it was waiting for. */
const kinds: readonly (readonly [string, StepFault])[] = [
  ['before git starts', 'the starter is killed before'],
  ['after git is done', 'the starter is killed after'],
  ['while git works on', 'the starter is killed, and it works on'],
];

let command: KilledCommand;
beforeAll(async () => {
  command = new KilledCommand();
  expect((await command.user.type('create', 'web')).code).toBe(0);
});
afterAll(() => command[Symbol.asyncDispose]());

describe('a sync that is killed', () => {
  const limits = { timeout: 300_000 * scale };

  it.for(kinds)(
    '%s, at any git that it starts, is finished by the next one',
    limits,
    async ([when, fault], context) => {
      const first = kinds.findIndex(([kind]) => kind === when);
      let times = 0;
      for (const landing of ['first', 'later'] as const) {
        command.change(landing);
        expect(await command.killedSync(0, fault)).toBeNull();
        const steps = command.steps.taken.length;
        for (let step = 1 + (scale > 1 ? 0 : first); step <= steps; step += scale > 1 ? 1 : 4) {
          command.change(landing);
          const signal = await command.killedSync(step, fault);
          if (!command.steps.struck) continue; // it starts several at a time, and one less now and then
          expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
          command.ageLocks();
          await command.expectNextSyncFinishes();
          times += 1;
        }
      }
      const outcome = 'clear error; the next sync finished';
      tried(context, { fault: 'kill -9 of the command', where: 'at any git that it starts', times, outcome });
    },
  );

  it('leaves a lock behind, which the next one takes over by itself', limits, async () => {
    command.change('first');
    expect(await command.killedSync('*update-index *', 'the starter is killed before')).toBe('SIGKILL');
    expect(command.locks()).toHaveLength(1);
    await command.expectNextSyncFinishes();
  });
});
