import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { FarSteps } from '../faults/bed/far-steps.js';
import { FarSide } from './far-side.js';

let side: FarSide;
let steps: FarSteps;
beforeEach(async () => {
  side = new FarSide();
  for (const file of ['edited', 'same', 'deleted']) side.repo.write(file, `${file}\n`);
  side.repo.commit();
  steps = new FarSteps(path.join(side.home, '../steps'), ['date', 'git']);
  await side.sync({ warm: true, farEnv: steps.env });
});
afterEach(() => {
  steps.close();
  side.remove();
});

/** A sync over the conversation that waits. `act` comes when the far half has looked round, and the client has yet to send. */
async function syncMeanwhile(act: () => unknown, options: Parameters<FarSide['sync']>[0] = {}): Promise<SyncResult> {
  steps.plan('date +%s', 'it waits');
  const reached = steps.onReached(act);
  try {
    const result = await side.sync({ warm: true, farEnv: steps.env, ...options });
    expect(steps.struck).toBe(true);
    expect(side.there()).toEqual(side.here());
    return result;
  } finally {
    reached.stop();
  }
}

const there = (file: string): string => path.join(side.workspace, file);
const saved = ({ drift }: SyncResult, file: string): string =>
  side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:${file}`);

describe('a look round the workspace while the snapshot is taken', () => {
  it('serves the landing', async () => {
    side.repo.write('edited', 'here\n');
    expect(await syncMeanwhile(() => undefined)).toMatchObject({ drift: null, changed: { modified: 1 } });
    const looks = steps.taken.filter((line) => line.startsWith('git ls-files -o'));
    expect(looks).toHaveLength(1);
  });

  it('is not relied on for a file that the landing replaces and somebody edits after it', async () => {
    side.repo.write('edited', 'here\n');
    const result = await syncMeanwhile(() => writeFileSync(there('edited'), 'there\n'));
    expect(result.drift).toMatchObject({ modified: ['edited'], saved: true });
    expect(saved(result, 'edited')).toBe('there\n');
  });

  it('is not relied on for a file that the landing leaves alone and somebody edits after it', async () => {
    side.repo.write('edited', 'here\n');
    const result = await syncMeanwhile(() => writeFileSync(there('same'), 'there\n'));
    expect(saved(result, 'same')).toBe('there\n');
  });

  it('is not relied on where somebody makes a file in the place of one that lands', async () => {
    side.repo.write('added', 'here\n');
    const result = await syncMeanwhile(() => writeFileSync(there('added'), 'there\n'));
    expect(saved(result, 'added')).toBe('there\n');
  });

  it('is not relied on where somebody makes a directory in the place of a file that lands', async () => {
    side.repo.write('added', 'here\n');
    const result = await syncMeanwhile(() => {
      mkdirSync(there('added'));
      writeFileSync(there('added/inside'), 'there\n');
    });
    expect(saved(result, 'added/inside')).toBe('there\n');
  });

  it('is not relied on when somebody else lands after it', async () => {
    const clone = path.join(side.repo.root, '../second/app');
    side.repo.git('clone', '-q', side.repo.root, clone);
    writeFileSync(path.join(clone, 'same'), 'from the second clone\n');
    side.repo.write('edited', 'here\n');
    const stateDir = side.otherState();
    const result = await syncMeanwhile(() => side.sync({ directory: clone, stateDir, warm: false }));
    expect(result).toMatchObject({ drift: null, changed: { modified: 2 } });
  });

  it('is not relied on when the workspace goes after it', async () => {
    side.repo.write('edited', 'here\n');
    const result = await syncMeanwhile(() => rmSync(side.workspace, { recursive: true }));
    expect(result.drift?.deleted).toContain('same');
  });

  it('is not relied on when other files are ignored from this landing on', async () => {
    mkdirSync(there('built'));
    writeFileSync(there('built/x'), 'x');
    side.repo.write('.gitignore', 'built/\n');
    const result = await side.sync({ warm: true, farEnv: steps.env });
    expect(result.drift).toBeNull();
    expect(readdirSync(there('built'))).toEqual(['x']);
  });

  it('is not relied on when the index is damaged after it', async () => {
    const workspaces = path.join(side.home, '.local/state/sidecar/workspaces');
    const index = path.join(workspaces, readdirSync(workspaces)[0] ?? '', 'index');
    side.repo.write('edited', 'here\n');
    const result = await syncMeanwhile(() => writeFileSync(index, 'damaged'));
    expect(result.drift).toBeNull();
  });
});
