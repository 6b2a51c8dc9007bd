import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from '../../sync/far-side.js';
import { Bed } from '../bed/bed.js';
import { FarSteps } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { laterLanding } from '../bed/scenarios.js';
import { atStep, some, stepsOf, strike } from './strike.js';

const limits = { timeout: 300_000 * scale };

describe('drift that a landing saved', () => {
  let bed: Bed;
  let steps: FarSteps;
  beforeAll(async () => {
    bed = await Bed.make(laterLanding);
    steps = new FarSteps(bed.outside('steps'));
  });
  afterAll(() => {
    steps.close();
    bed.remove();
  });

  const failAtEach = async (from: number, to: number): Promise<void> => {
    for (let step = from; step <= to; step += scale > 1 ? 1 : 3) {
      try {
        const { kind } = await strike(bed, steps, { at: step, fault: 'it fails' });
        if (kind === 'failed') await bed.side.sync();
        bed.expectStands();
      } catch (cause) {
        throw new Error(atStep(steps, step), { cause });
      }
    }
  };

  it('stays saved when the landing is killed while it saves more', async () => {
    await strike(bed, steps, { at: 'git update-ref -d refs/sidecar/drift/*', fault: 'everything is killed after' });
    expect(steps.struck).toBe(true);
    expect((await bed.side.sync()).verified).toBe(true);
    bed.expectStands();
  });

  it('is one id, though a git that was killed left its lock on packed refs', async () => {
    bed.restore();
    bed.side.far(
      'sh',
      '-c',
      'for shadow in .local/state/sidecar/workspaces/*; do touch "$shadow/packed-refs.lock"; done',
    );
    const { drift } = await bed.side.sync();
    bed.expectStands();
    const saved = bed.side.farShadow('for-each-ref', '--format=%(refname)', 'refs/sidecar/drift').trim();
    expect(saved).toBe(`refs/sidecar/drift/${drift?.id ?? ''}`);
  });

  it.each([
    ['killed', 'everything is killed after'],
    ['cut off', 'it waits'],
  ] as const)('is told by the next sync where this one was %s before it could say so', async (_, fault) => {
    const { kind, settled } = await strike(bed, steps, { at: 'git reset -q --merge *', fault });
    expect({ kind, struck: steps.struck }).toEqual({ kind: 'failed', struck: true });
    const { drift } = await bed.side.sync();
    await settled();
    const { added, modified, deleted, id } = drift ?? { id: null };
    expect(modified).toEqual(['becomes-directory', 'd0/f0', 'd2/f5', 'doomed', 'link', 'long']);
    expect(added).toEqual(['added/there', 'build/deep/out', 'd1/f4/inner', 'new/file', 'x.o', 'd2/hidden.log']);
    expect(deleted).toEqual(['d1/f1', 'd1/f4']);
    expect(bed.side.farShadow('show', `refs/sidecar/drift/${id ?? ''}:d2/f5`)).toBe('edited over there only\n');
    await bed.expectNothingToDo();
  });

  it('is kept beside what drifted in its place during the landing', async () => {
    const edited = path.join(bed.side.workspace, 'd2/f5');
    const edit = (): void => writeFileSync(edited, 'edited over there once more\n');
    // The switch is done, and its proof is to come: that finds the second edit.
    await strike(bed, steps, { at: 'rm -f -- */sidecar/writer', fault: 'it waits', meanwhile: edit });
    await bed.side.sync();
    bed.expectStands();
  });

  it('loses nothing when someone edits a file over there at any step of it', limits, async (context) => {
    // Of the same size, and perhaps in the same second.
    const [file, text] = ['d0/f6', 'typed 6\n'.repeat(40)];
    const meanwhile = (): void => writeFileSync(path.join(bed.side.workspace, file), text);
    const struck = some(await stepsOf(bed, steps), (line) => line.startsWith('git '), 6);
    for (const step of struck) {
      try {
        await strike(bed, steps, { at: step, fault: 'it waits', meanwhile });
        await bed.side.sync();
        bed.expectStands();
        bed.expectKept(file, text);
      } catch (cause) {
        throw new Error(atStep(steps, step), { cause });
      }
    }
    const where = 'at any step of a landing';
    tried(context, { fault: 'a file is edited over there', where, times: struck.length, outcome: 'kept' });
  });

  it('holds ignored files in the way, though a program fails while they are taken note of', limits, async () => {
    const taken = await stepsOf(bed, steps);
    const from = taken.indexOf('git ls-files -o');
    expect(from).toBeGreaterThan(0);
    await failAtEach(from + 1, taken.indexOf('git write-tree', from) + 1);
  });

  it('holds what showed only after the switch, though a program fails while it is looked for', limits, async () => {
    const taken = await stepsOf(bed, steps);
    const from = taken.lastIndexOf('git diff-files --raw --no-renames');
    expect(from).toBeGreaterThan(taken.findIndex((line) => line.startsWith('git reset -q --merge')));
    await failAtEach(from + 1, taken.indexOf('git write-tree', from) + 1);
  });
});

describe('a clone over there, edited, is drift', () => {
  let side: FarSide;
  beforeEach(() => {
    side = new FarSide();
    side.repo.write('f', 'x\n');
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    writeFileSync(path.join(side.workspace, 'f'), 'work over there\n');
  });
  afterEach(() => side.remove());

  it('also when its own git cannot say so: its index is damaged', async (context) => {
    writeFileSync(path.join(side.workspace, '.git/index'), 'not an index');
    const { drift } = await side.sync();
    expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:f`)).toBe('work over there\n');
    const fault = 'index of the clone over there damaged';
    tried(context, { fault, where: 'before a first landing', times: 1, outcome: 'kept' });
  });
});
