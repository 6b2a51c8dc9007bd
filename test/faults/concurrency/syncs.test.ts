import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifest, oraclePaths, GitRepo } from '../../fakes/git-repo.js';
import { FarSide } from '../../sync/far-side.js';
import { leftovers, lostEdits, onlyShadow, tornFiles, Writer } from './witness.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
});
afterEach(() => side.remove());

/** One of two machines with a clone of the project. */
interface Clone {
  readonly repo: GitRepo;
  readonly stateDir: string;
  readonly writer: Writer;
}

const shared = Array.from({ length: 40 }, (_, file) => `d${String(file % 7)}/f${String(file)}`);
const kept = Array.from({ length: 400 }, (_, file) => `kept/k${String(file)}`);

/** Two clones that both hold `shared` in versions of their own, and `kept` in the same one. */
function twoClones(): [Clone, Clone] {
  const first = new Writer('first', side.repo.root, side.localHome);
  for (const file of [...shared, ...kept]) first.write(file);
  side.repo.commit();
  const root = path.join(side.repo.root, '../second/app');
  side.repo.git('clone', '-q', side.repo.root, root);
  return [
    { repo: side.repo, stateDir: side.stateDir, writer: first },
    {
      repo: new GitRepo(root, side.localHome),
      stateDir: side.otherState(),
      writer: new Writer('second', root, side.localHome),
    },
  ];
}

const sync = ({ repo, stateDir }: Clone): ReturnType<FarSide['sync']> => side.sync({ directory: repo.root, stateDir });

/** Edits on all three sides, a few at a time, for as long as `work` takes. */
async function editMeanwhile(work: Promise<unknown>, clones: readonly Clone[], resident: Writer): Promise<void> {
  const progress = { done: false };
  const ended = work.finally(() => (progress.done = true));
  for (let turn = 0; !progress.done; turn += 1) {
    for (const { writer } of clones) {
      for (const file of shared.slice(turn % 35, (turn % 35) + 5)) writer.write(file);
      writer.write(`only-by-${writer.name}/${String(turn % 20)}`);
    }
    // Now and then: a landing gives up when it is disturbed again and again.
    const tracked = turn % 10 === 0 ? kept[turn] : undefined;
    if (tracked !== undefined) {
      resident.write(tracked);
      resident.write(`made-there/${String(turn)}`);
    }
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  await ended;
}

describe('8 syncs from two clones to one workspace, while both sides are edited', () => {
  it('tear no file and lose no edit, and the last sync stands alone', async (context) => {
    const ended = { verified: 0, unsettled: 0 };
    for (let round = 0; round < scale; round += 1) {
      if (round > 0) side = (side.remove(), new FarSide());
      const clones = twoClones();
      const [first, second] = clones;
      await sync(first);
      const resident = new Writer('a resident', side.workspace, side.home);
      const syncs = Array.from({ length: 8 }, (_, index) => sync(index % 2 === 0 ? first : second));
      const endings = Promise.allSettled(syncs);
      await editMeanwhile(endings, clones, resident);

      for (const ending of await endings) {
        // Who is disturbed at every attempt says so in the end; whoever is not has landed and proved a tree.
        if (ending.status === 'rejected') expect(ending.reason).toMatchObject({ code: 'sync.unsettled' });
        else expect(ending.value.verified).toBe(true);
        ended[ending.status === 'rejected' ? 'unsettled' : 'verified'] += 1;
      }
      expect(tornFiles(side.workspace, [first.writer, second.writer, resident])).toEqual([]);
      expect(lostEdits(resident, side.home)).toEqual([]);
      for (const clone of [second, first]) {
        await sync(clone);
        expect(side.there()).toEqual(manifest(clone.repo.root, oraclePaths(clone.repo)));
        expect(await sync(clone)).toMatchObject({ upToDate: true, drift: null });
      }
      expect(lostEdits(resident, side.home)).toEqual([]);
      for (const directory of [side.home, first.stateDir, second.stateDir]) expect(leftovers(directory)).toEqual([]);
    }
    const fault = { fault: '8 syncs at once, from two clones to one workspace', where: 'while all sides are edited' };
    if (ended.verified > 0) tried(context, { ...fault, times: ended.verified, outcome: 'finished by the same sync' });
    if (ended.unsettled > 0) {
      tried(context, { ...fault, times: ended.unsettled, outcome: 'clear error; the next sync finished' });
    }
  });
});

describe('an edit over there while a landing writes', () => {
  it('is saved like any other drift, also in a file that the landing has yet to replace', async () => {
    side.repo.write('a', 'small\n');
    side.repo.write('z', 'first version\n');
    await side.sync();
    side.repo.write('a', Buffer.alloc(64 << 20, 'large'));
    side.repo.write('z', 'second version\n');
    const landing = side.sync();
    const git = await writingTo(path.join(side.workspace, 'a'));
    process.kill(git, 'SIGSTOP'); // any pause will do: a slow disk, a busy machine, a thousand files more
    try {
      expect(readFileSync(path.join(side.workspace, 'z'), 'utf8')).toBe('first version\n');
      writeFileSync(path.join(side.workspace, 'z'), 'edited over there\n');
    } finally {
      process.kill(git, 'SIGCONT');
    }
    await landing;
    const resident = new Writer('a resident', side.workspace, side.home);
    resident.remember('z', 'edited over there\n');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(lostEdits(resident, side.home)).toEqual([]);
  });
});

/** The git that lands, once it has begun to write `file`. */
async function writingTo(file: string): Promise<number> {
  const noted = path.join(onlyShadow(side.home), 'sidecar/writer');
  while (!existsSync(noted) || (statSync(file, { throwIfNoEntry: false })?.size ?? 0) < 1 << 16) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Number(readFileSync(noted, 'utf8'));
}
