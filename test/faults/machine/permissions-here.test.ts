import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { FarSide } from '../../sync/far-side.js';
import { asNobody, giveAway } from './another-user.js';
import { tried, type FaultTrial } from '../ledger.js';
import { describeAsRoot } from './mounts.js';
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
  // Root's git, which says here what should travel, takes no other user's repository without this.
  writeFileSync(path.join(side.localHome, '.gitconfig'), '[safe]\n\tdirectory = *\n');
  for (const directory of [side.repo.root, side.localHome, side.stateDir]) giveAway(directory);
});
afterEach(() => side.remove());

const here = (file: string): string => path.join(side.repo.root, file);

const row: FaultTrial = {
  fault: 'no permission',
  where: 'here: files, directories, .git, the state directory',
  times: 1,
  outcome: 'clear error; finished once the cause was gone',
};

/** A sync of a user who is not root, who may read everything. */
const attempt = (): Promise<SyncResult | SidecarError> =>
  asNobody(() =>
    side.sync().catch((error: unknown) => {
      if (error instanceof SidecarError) return error;
      throw error;
    }),
  );

async function lands(): Promise<void> {
  expect(await attempt()).toMatchObject({ verified: true });
  stakes.expectSame();
  expect(stakes.lost()).toEqual([]);
}

describeAsRoot('a user here', () => {
  for (const [what, file, code, named] of [
    ['a changed file', 'both', 'sync.unreadable', /both/],
    ['a directory of tracked files', 'd1', 'sync.unreadable', /d1/],
    ['the repository', '.git', 'git.failed', /\.git/],
    ['the index of the repository', '.git/index', 'git.failed', /index/],
  ] as const) {
    it(`who cannot read ${what} is told which; nothing changes, and once it can be read the sync lands`, async (context) => {
      if (file === 'd1') side.repo.write('d1/f1', 'changed, and then closed\n');
      for (const directory of [side.repo.root, side.localHome]) giveAway(directory);
      stakes.rework();
      chmodSync(here(file), 0o000);
      const answer = await attempt();
      chmodSync(here(file), file === 'd1' || file === '.git' ? 0o755 : 0o644);
      expect(answer).toMatchObject({ code });
      expect(JSON.stringify(answer)).toMatch(named);
      expect(stakes.lost()).toEqual([]);
      await lands();
      tried(context, row);
    });
  }

  it('who cannot read a directory of files that git does not know is told which, and it travels once it can be read', async (context) => {
    chmodSync(here('new'), 0o000);
    const answer = await attempt();
    chmodSync(here('new'), 0o755);
    if (answer instanceof SidecarError) expect(JSON.stringify(answer)).toMatch(/new/);
    else expect(answer.skipped).toEqual([{ path: 'new/', reason: 'unreadable-directory' }]);
    expect(stakes.lost()).toEqual([]);
    await lands();
    tried(context, row);
  });

  it('who cannot write the state directory is told which', async (context) => {
    chownSync(path.join(side.stateDir, 'shadows'), 0, 0);
    const answer = await attempt();
    giveAway(side.stateDir);
    expect(answer).toMatchObject({ code: 'state.unwritable' });
    expect(JSON.stringify(answer)).toContain(side.stateDir);
    expect(stakes.lost()).toEqual([]);
    await lands();
    tried(context, row);
  });
});
