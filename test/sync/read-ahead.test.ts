import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { FarSteps } from '../faults/bed/far-steps.js';
import { FarSide } from './far-side.js';

let side: FarSide;
let steps: FarSteps;
beforeEach(() => {
  side = new FarSide();
  for (const file of ['edited', 'same', 'built/tracked']) side.repo.write(file, `${file}\n`);
  side.repo.commit();
  side.far('git', 'clone', '-q', side.repo.root, side.workspace);
  side.repo.write('edited', 'here\n');
  steps = new FarSteps(path.join(side.home, '../steps'), ['git']);
});
afterEach(() => {
  steps.close();
  side.remove();
});

/** The first sync. `act` comes when the far half has read the clone, and the client has sent its pack. */
async function syncMeanwhile(act: () => unknown): Promise<SyncResult> {
  steps.plan('git commit-tree *', 'it waits');
  const reached = steps.onReached(act);
  try {
    const result = await side.sync({ farEnv: steps.env });
    expect(steps.struck).toBe(true);
    return result;
  } finally {
    reached.stop();
  }
}

const write = (file: string): void => writeFileSync(path.join(side.workspace, file), 'there\n');
const saved = ({ drift }: SyncResult, file: string): string =>
  side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:${file}`);
const besides = (file: string): boolean => file === '.git' || file.startsWith('.git/');

describe('a clone in which nothing has landed', () => {
  it('is read while the snapshot is taken, and not again', async () => {
    expect(await side.sync({ farEnv: steps.env })).toMatchObject({ drift: null, changed: { modified: 1 } });
    const reading = steps.taken.filter((line) => /^git update-index .*(--refresh|--add)/.test(line));
    expect(reading).toEqual(['git update-index -q --refresh']);
    expect(side.there(besides)).toEqual(side.here());
  });

  it('may be edited after that: a file that the landing replaces is drift', async () => {
    const result = await syncMeanwhile(() => write('edited'));
    expect(saved(result, 'edited')).toBe('there\n');
    expect(side.there(besides)).toEqual(side.here());
  });

  it('may be edited after that: a file that the landing would leave alone is drift', async () => {
    const result = await syncMeanwhile(() => write('same'));
    expect(saved(result, 'same')).toBe('there\n');
    expect(side.there(besides)).toEqual(side.here());
  });

  it('keeps what only the client’s rules ignore', async () => {
    write('built/ignored');
    side.repo.write('.git/info/exclude', 'built/ignored\n');
    expect(await side.sync({ farEnv: steps.env })).toMatchObject({ drift: null, changed: { deleted: 0 } });
    expect(side.there(besides)).toContainEqual(expect.stringContaining('built/ignored'));
  });
});
