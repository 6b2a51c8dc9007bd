import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, GitRepo } from '../../fakes/git-repo.js';
import type { FarSide } from '../../sync/far-side.js';
import { Bed, type Scenario } from '../bed/bed.js';
import { FarSteps } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { laterLanding } from '../bed/scenarios.js';
import { atStep, some, stepsOf, strike } from './strike.js';

const there = (side: FarSide, file: string): string => path.join(side.workspace, file);

const ownRepository: Scenario = {
  title: 'a repository of the sidecar’s own, in an ignored directory, where the tree adds a file',
  landed: async (side) => {
    side.repo.write('.gitignore', 'build\n');
    side.repo.write('f', 'x\n');
    await side.sync();
  },
  since: (side) => {
    const own = GitRepo.init(there(side, 'build'), side.localHome);
    own.write('work', 'committed over there, and nowhere else\n');
    own.commit();
    side.repo.write('build', 'a file here\n');
    side.repo.git('add', '-f', 'build');
  },
};

const elsewhere: Scenario = {
  title: 'a directory that holds something else',
  since: (side) => {
    side.repo.write('f', 'x\n');
    mkdirSync(side.workspace);
    writeFileSync(there(side, 'f'), 'nobody here knows it\n');
  },
};

describe('what a landing refuses to overwrite stays as it is, whatever program fails over there:', () => {
  it.for([
    [ownRepository.title, ownRepository, {}],
    [elsewhere.title, elsewhere, {}],
    ['drift, on request', laterLanding, { drift: 'refuse' }],
  ] as const)('%s', { timeout: 300_000 * scale }, async ([, scenario, request], context) => {
    const bed = await Bed.make(scenario);
    const steps = new FarSteps(bed.outside('steps'));
    try {
      const before = fingerprint(bed.side.workspace);
      const struck = some(await stepsOf(bed, steps, request), () => true, 5);
      for (const step of struck) {
        const { kind, settled } = await strike(bed, steps, { at: step, fault: 'it fails', request });
        await settled();
        const stands = fingerprint(bed.side.workspace) === before;
        expect({ step: atStep(steps, step), kind, stands }).toMatchObject({ kind: 'failed', stands: true });
      }
      const where = 'at any step of a landing that is refused';
      tried(context, {
        fault: 'a remote program fails',
        where,
        times: struck.length,
        outcome: 'refused, nothing changed',
      });
    } finally {
      steps.close();
      bed.remove();
    }
  });

  it('an ignored file in the way, beside a pipe that nothing can be done about', async () => {
    const bed = await Bed.make({
      title: 'a pipe in the way',
      since: ({ repo }) => repo.write('.gitignore', '*.o\n'),
    });
    try {
      const { side } = bed;
      await side.sync();
      side.far('mkfifo', there(side, 'a.o'));
      writeFileSync(there(side, 'b.o'), 'built over there\n');
      for (const file of ['a.o', 'b.o']) side.repo.write(file, 'tracked here\n');
      side.repo.git('add', '-f', 'a.o', 'b.o');
      await expect(side.sync()).rejects.toMatchObject({ code: 'sync.unsettled' });
      expect(existsSync(there(side, 'a.o'))).toBe(true);
      expect(readFileSync(there(side, 'b.o'), 'utf8')).toBe('built over there\n');
    } finally {
      bed.remove();
    }
  });
});
