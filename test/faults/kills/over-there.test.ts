import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryTransport } from '../../fakes/memory-transport.js';
import { Bed } from '../bed/bed.js';
import { farLogin, opening } from '../bed/far-login.js';
import { FarSteps, type StepFault } from '../bed/far-steps.js';
import { tried, type FaultOutcome } from '../ledger.js';
import { scale } from '../scale.js';
import { firstLanding, laterLanding } from '../bed/scenarios.js';
import { atStep, strike } from './strike.js';

/** The faults, with what the table calls them. */
const kinds: readonly (readonly [StepFault, string])[] = [
  ['the shell is killed before', 'kill -9 of the remote shell'],
  ['the shell is killed after', 'kill -9 of the remote shell'],
  ['the shell is killed while git works', 'kill -9 of the remote shell'],
  ['the starter is killed before', 'kill -9 of the remote shell'],
  ['everything is killed before', 'kill -9 of everything over there'],
  ['everything is killed after', 'kill -9 of everything over there'],
  ['it is killed', 'kill -9 of a remote git'],
  ['it is killed in a write', 'kill of a remote git in the middle of a write'],
  ['it is killed in a write, and the shell too', 'kill of a remote git in the middle of a write'],
  ['it fails', 'a remote program fails'],
  ['it fails when all is done', 'a remote program fails'],
  ['it waits', 'connection cut'],
];

/** What strikes at programs other than git, too: they decide what is kept, and for the rest they are all alike. */
const everywhere: readonly StepFault[] = ['everything is killed before', 'everything is killed after', 'it fails'];

describe.each([firstLanding, laterLanding])(
  '$title loses nothing and is finished when, at any step over there,',
  (scenario) => {
    let bed: Bed;
    let steps: FarSteps;
    let taken: readonly string[];

    beforeAll(async () => {
      bed = await Bed.make(scenario);
      steps = new FarSteps(bed.outside('steps'));
      const { handler } = farLogin(bed.side, { afterlife: 'runs on', env: steps.env });
      await bed.side.sync(opening(() => memoryTransport(handler)));
      taken = steps.taken;
    });
    afterAll(() => {
      steps.close();
      bed.remove();
    });

    it.for(kinds)('$0', { timeout: 300_000 * scale }, async ([fault, name], context) => {
      const times = new Map<FaultOutcome, number>();
      for (const step of stepsFor(fault, taken)) {
        try {
          const outcome = await overcome(bed, steps, { step, fault });
          times.set(outcome, (times.get(outcome) ?? 0) + 1);
        } catch (cause) {
          throw new Error(atStep(steps, step), { cause });
        }
      }
      for (const [outcome, count] of times) {
        tried(context, { fault: name, where: 'at any step of the far half', times: count, outcome });
      }
    });
  },
);

/** In the usual run a few of all steps, others for every fault. */
function stepsFor(fault: StepFault, taken: readonly string[]): number[] {
  const all = taken.flatMap((line, index) =>
    line.startsWith('git ') || everywhere.includes(fault) ? [index + 1] : [],
  );
  const first = kinds.findIndex(([kind]) => kind === fault);
  const stride = scale > 1 ? 1 : 17;
  return all.filter((_, index) => (index + first) % stride === 0);
}

async function overcome(
  bed: Bed,
  steps: FarSteps,
  { step, fault }: { step: number; fault: StepFault },
): Promise<FaultOutcome> {
  const struck = await strike(bed, steps, { at: step, fault });
  if (struck.kind === 'failed') {
    bed.expectNothingHalfDone();
    expect((await bed.side.sync()).verified).toBe(true);
  }
  await struck.settled();
  bed.expectStands();
  if (step % 5 === 0) await bed.expectNothingToDo();
  return struck.kind === 'finished' ? 'finished by the same sync' : 'clear error; the next sync finished';
}
