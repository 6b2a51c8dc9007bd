import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { explain } from '../../../cmd/ui/explain.js';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { FarSide } from '../../sync/far-side.js';
import { tried } from '../ledger.js';
import { bytes, fractions, inodes, plenty, type Resource } from './full-disk.js';
import { describeAsRoot, Mount } from './mounts.js';
import { scale } from '../scale.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
let disk: Mount | undefined;
beforeEach(() => {
  side = new FarSide();
  stakes = new Stakes(side, { fileBytes: 6_000 });
});
afterEach(() => {
  disk?.remove();
  disk = undefined;
  side.remove();
});

const places: Readonly<Record<string, () => string>> = {
  'the home directory': () => side.home,
  'the workspace': () => side.workspace,
  'the state directory': () => path.join(side.home, '.local/state'),
};

/** Whether it failed: then with words about the disk, and with a next step. */
function failedForTheDisk(answer: SyncResult | SidecarError): boolean {
  if (!(answer instanceof SidecarError)) return false;
  expect(answer).toMatchObject({ code: 'sync.remote_failed' });
  expect(explain(answer).message).toMatch(/No space left on device/);
  expect(explain(answer).hint).not.toBe('');
  return true;
}

function mountAt(place: string, options: string): Mount {
  const directory = places[place]?.() ?? '';
  mkdirSync(directory, { recursive: true });
  disk = new Mount(directory, options);
  return disk;
}

describeAsRoot('a disk on the sidecar that is full', () => {
  for (const [place, resource, stations] of [
    ['the home directory', bytes, 4],
    ['the home directory', inodes, 3],
    ['the workspace', bytes, 2],
    ['the state directory', bytes, 2],
  ] as const) {
    it(
      `at any step of a first landing (${resource.name} in ${place}) is told, and the landing is finished once there is room`,
      { timeout: 120_000 * scale },
      async (context) => {
        const needed = await neededForFirst(place, resource);
        let times = 0;
        for (const fraction of fractions(stations)) {
          side = new FarSide();
          stakes = new Stakes(side, { fileBytes: 6_000 });
          const mount = mountAt(place, resource.option(Math.max(2, needed * fraction)));
          stakes.work('first', { bytes: 30_000 });
          if (failedForTheDisk(await stakes.attempt())) times++;
          mount.remount(plenty);
          await stakes.finish();
          end(mount);
        }
        expect(times).toBeGreaterThan(0);
        tried(context, row(times));
      },
    );
  }

  for (const [place, resource, stations] of [
    ['the home directory', bytes, 3],
    ['the workspace', bytes, 2],
    ['the workspace', inodes, 2],
    ['the state directory', bytes, 2],
    ['the state directory', inodes, 2],
  ] as const) {
    it(
      `at any step of a later landing (${resource.name} in ${place}) costs no drift, and the landing is finished once there is room`,
      { timeout: 120_000 * scale },
      async (context) => {
        const mount = mountAt(place, plenty);
        await stakes.finish();
        work('measured');
        const before = resource.used(mount);
        await stakes.finish();
        const growth = resource.used(mount) - before;
        let times = 0;
        for (const fraction of fractions(stations)) {
          work(`round-${fraction}`);
          mount.remount(resource.option(resource.used(mount) + Math.max(1, growth * fraction)));
          if (failedForTheDisk(await stakes.attempt())) times++;
          mount.remount(plenty);
          await stakes.finish();
        }
        expect(times).toBeGreaterThan(0);
        tried(context, row(times));
      },
    );
  }
});

const row = (times: number) =>
  ({
    fault: 'disk full, in bytes or inodes',
    where: 'on the sidecar: home, workspace or state; at every step of a landing',
    times,
    outcome: 'clear error; finished once the cause was gone',
  }) as const;

/** More for a landing to write than it takes away. */
function work(round: string): void {
  for (let file = 0; file < 5; file++) side.repo.write(`more/${round}/${file}`, `${round} ${file}\n`.repeat(1_000));
  stakes.work(round, { bytes: 30_000 });
}

async function neededForFirst(place: string, resource: Resource): Promise<number> {
  const mount = mountAt(place, plenty);
  const before = resource.used(mount);
  stakes.work('first', { bytes: 30_000 });
  await stakes.finish();
  const needed = resource.used(mount) - before;
  end(mount);
  return needed;
}

function end(mount: Mount): void {
  mount.remove();
  disk = undefined;
  side.remove();
}
