import { afterEach, expect, it } from 'vitest';
import { explain } from '../../../cmd/ui/explain.js';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { FarSide } from '../../sync/far-side.js';
import { bytes, fractions, inodes, plenty } from './full-disk.js';
import { tried } from '../ledger.js';
import { describeAsRoot, Mount } from './mounts.js';
import { scale } from '../scale.js';
import { Stakes } from '../bed/stakes.js';

let side: FarSide;
let stakes: Stakes;
let disk: Mount | undefined;
afterEach(end);

function begin(options: string): Mount {
  side = new FarSide();
  stakes = new Stakes(side, { fileBytes: 6_000 });
  disk = new Mount(side.stateDir, options);
  return disk;
}

function end(): void {
  disk?.remove();
  disk = undefined;
  side.remove();
}

/** Whether it failed: then with words about the state directory and its disk, and with a next step. */
function failedForTheDisk(answer: SyncResult | SidecarError): boolean {
  if (!(answer instanceof SidecarError)) return false;
  expect(answer).toMatchObject({ code: 'state.unwritable' });
  expect(String(answer.facts['path'])).toContain(side.stateDir);
  expect(explain(answer).hint).toMatch(/free space/);
  return true;
}

function work(round: string): void {
  for (let file = 0; file < 5; file++) side.repo.write(`more/${round}/${file}`, `${round} ${file}\n`.repeat(1_000));
  stakes.work(round, { bytes: 30_000 });
}

describeAsRoot('a disk here that is full', () => {
  for (const [name, resource, stations] of [
    ['space', bytes, 4],
    ['inode', inodes, 3],
  ] as const) {
    it(
      `at any step of a first sync (no ${name} left) is told, and the sync is finished once there is room`,
      { timeout: 120_000 * scale },
      async (context) => {
        let mount = begin(plenty);
        const empty = resource.used(mount);
        work('first');
        await stakes.finish();
        const needed = resource.used(mount) - empty;
        let times = 0;
        for (const fraction of fractions(stations)) {
          end();
          mount = begin(resource.option(Math.max(2, needed * fraction)));
          work('first');
          if (failedForTheDisk(await stakes.attempt())) times++;
          mount.remount(plenty);
          await stakes.finish();
        }
        expect(times).toBeGreaterThan(0);
        tried(context, row(times));
      },
    );

    it(
      `at any step of a later sync (no ${name} left) is told, and the sync is finished once there is room`,
      { timeout: 120_000 * scale },
      async (context) => {
        const mount = begin(plenty);
        await stakes.finish();
        const before = resource.used(mount);
        work('measured');
        await stakes.finish();
        const growth = resource.used(mount) - before;
        let times = 0;
        for (const fraction of fractions(stations - 1)) {
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
    where: 'here: the state directory; at every step of a sync',
    times,
    outcome: 'clear error; finished once the cause was gone',
  }) as const;
