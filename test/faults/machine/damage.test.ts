import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarSide } from '../../sync/far-side.js';
import { damages, onlyDirectory, partsOf } from './damages.js';
import { tried, type FaultTrial } from '../ledger.js';
import { scale } from '../scale.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
beforeEach(async () => {
  side = new FarSide();
  stakes = new Stakes(side);
  side.repo.commit();
  stakes.work('first');
  await stakes.finish();
  stakes.work('second');
  await stakes.finish();
});
afterEach(() => side.remove());

const farShadow = (): string => onlyDirectory(path.join(side.home, '.local/state/sidecar/workspaces'));
const nearShadow = (): string => onlyDirectory(path.join(side.stateDir, 'shadows'));

const sweepTimeoutMs = 300_000 * scale;

/** Damages one file after the other, each in a way of its own; on a larger scale in more ways. */
async function sweep(shadow: () => string, parts: () => string[], stride: number): Promise<number> {
  let times = 0;
  for (const [index, part] of parts().entries()) {
    if (index % stride !== 0) continue;
    for (let turn = 0; turn < Math.min(scale, damages.length); turn++) {
      const [name, damage] = damages[(Math.floor(index / stride) + turn) % damages.length] ?? damages[0] ?? [];
      const file = path.join(shadow(), part);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats === undefined || damage === undefined || (stats.isDirectory() && name !== 'removed')) continue;
      stakes.work(`${part.replaceAll('/', '-')} ${String(name)}`);
      damage(file);
      stakes.forgetDestroyed();
      await expect(stakes.attempt(), `${part} ${String(name)}`).resolves.toBeDefined();
      await expect(stakes.finish(), `${part} ${String(name)}, once more`).resolves.toMatchObject({ upToDate: true });
      times++;
    }
  }
  return times;
}

const row = (where: string, times: number): FaultTrial => ({
  fault: 'damaged file of ours',
  where,
  times,
  outcome: 'finished by the same sync',
});

describe('the shadow on the sidecar, damaged in any one of its files, is mended by the next sync', () => {
  it('in those that make it a repository, and in our notes', { timeout: sweepTimeoutMs }, async (context) => {
    const times = await sweep(farShadow, () => partsOf(farShadow()).own, Math.ceil(2 / scale));
    tried(context, row('shadow repository on the sidecar', times));
  });

  it('in its objects', { timeout: sweepTimeoutMs }, async (context) => {
    const times = await sweep(farShadow, () => partsOf(farShadow()).objects, Math.ceil(6 / scale));
    tried(context, row('shadow repository on the sidecar: objects', times));
  });
});

describe('drift', () => {
  it('is saved also where its content is that of an object which was damaged', async (context) => {
    const file = path.join(side.workspace, 'both');
    const content = (name: string): string => `both, when its object was still to be ${name}\n`;
    const ids = new Map<string, string>();
    for (const [name] of damages) {
      side.repo.write('both', content(name));
      await side.sync();
      ids.set(name, side.farShadow('rev-parse', 'refs/sidecar/landed:both').trim());
    }
    side.repo.write('both', 'both, in the end\n');
    await side.sync();
    for (const [name, damage] of damages) {
      const id = ids.get(name) ?? '';
      damage(path.join(farShadow(), 'objects', id.slice(0, 2), id.slice(2)));
      writeFileSync(file, content(name));
      const { drift } = await side.sync();
      expect(side.farShadow('show', `refs/sidecar/drift/${drift?.id ?? ''}:both`)).toBe(content(name));
      expect(readFileSync(file, 'utf8')).toBe('both, in the end\n');
    }
    tried(context, {
      fault: 'damaged file of ours',
      where: 'object that drift needs',
      times: damages.length,
      outcome: 'kept',
    });
  });
});

describe('the shadow here, damaged in any one of its files, is mended by the next sync', () => {
  it('in those that make it a repository', { timeout: sweepTimeoutMs }, async (context) => {
    const times = await sweep(nearShadow, () => partsOf(nearShadow()).own, Math.ceil(2 / scale));
    tried(context, row('shadow repository here', times));
  });

  it('in its objects', { timeout: sweepTimeoutMs }, async (context) => {
    const times = await sweep(nearShadow, () => partsOf(nearShadow()).objects, Math.ceil(8 / scale));
    tried(context, row('shadow repository here: objects', times));
  });
});

describe('a shadow that is removed as a whole', () => {
  it('here is made again', async (context) => {
    rmSync(nearShadow(), { recursive: true });
    stakes.work('third');
    await stakes.finish();
    tried(context, row('whole shadow repository removed', 1));
  });

  it('on the sidecar is made again, where the workspace is a clone that shares a commit', async (context) => {
    stakes.forgetAll();
    side.far('rm', '-rf', 'app');
    side.far('git', 'clone', '-q', side.repo.root, 'app');
    await stakes.finish();
    stakes.work('third');
    rmSync(farShadow(), { recursive: true });
    await stakes.finish();
    tried(context, row('whole shadow repository removed', 1));
  });

  it('on the sidecar, of a workspace that is no clone, is made anew by the next sync', async (context) => {
    stakes.work('third');
    rmSync(farShadow(), { recursive: true });
    stakes.forgetDestroyed();
    await stakes.finish();
    tried(context, row('whole shadow repository removed', 1));
  });

  it('on the sidecar, with all our state there, leaves a directory that may be anybody’s: it takes the user’s word', async (context) => {
    stakes.work('third');
    rmSync(path.dirname(path.dirname(farShadow())), { recursive: true });
    stakes.forgetDestroyed();
    expect(await stakes.attempt()).toMatchObject({ code: 'sync.not_empty' });
    await stakes.finish({ adopt: true });
    stakes.work('fourth');
    await stakes.finish();
    tried(context, {
      fault: 'damaged file of ours',
      where: 'all our state on the sidecar removed, workspace no clone',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });
});
