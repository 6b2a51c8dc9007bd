import { expect } from 'vitest';
import type { SyncResult } from '../../../src/sync/result.js';
import { expectNothingLost, isBlocked, isObstacle, isUntakable } from './invariants.js';
import { SavedDrift } from './saved-drift.js';
import { Stage, traces, type Seen } from './stage.js';
import type { TreeCase } from './tree-case.js';
import type { Tree } from './tree.js';

/** Lands the first tree, makes both sides' changes, syncs, and expects that nothing is lost and everything is in step. */
export async function play(given: TreeCase, stage = new Stage(given)): Promise<void> {
  try {
    stage.editHere(given.landed);
    if (given.start !== 'landed') stage.clone();
    if (given.start !== 'clone') await stage.sync();
    const landed = stage.there.entries();
    stage.editHere(given.here);
    stage.editThere(given.there);

    const seen = stage.seenHere();
    const untouchable = stage.untouchable();
    await refuseWhereNothingCanBeSaved(stage, seen);
    const ownRepositories = stage.there.repositories();
    const repositories = tracesOf(stage.there, ownRepositories);
    const before = stage.there.entries();
    const unignores = takesBack(stage.there, stage.here);
    const result = await stage.sync();
    const after = stage.there.entries();

    expect(result.verified, 'verified').toBe(true);
    const { here, there, side } = stage;
    const saved = new SavedDrift(side);
    const { format } = given;
    expectNothingLost({ format, here, seen, there, landed, before, after, unignores, ownRepositories, result, saved });
    expect(tracesOf(there, ownRepositories), 'the sidecar’s own repositories').toEqual(repositories);
    expect(stage.untouchable(), 'the user’s files and repository, and what is outside of both trees').toBe(untouchable);
    await expectInStep(stage, result);
  } finally {
    stage.remove();
  }
}

/** What git cannot save, where the tree has a file, is for its owner to move: a repository, a link that git takes for unsafe. */
async function refuseWhereNothingCanBeSaved(stage: Stage, seen: Seen): Promise<void> {
  const { there } = stage;
  const repositories = there.repositories().filter((directory) => isBlocked(directory, seen.entries));
  const links = [...there.entries()].filter((one) => isUntakable(...one) && isObstacle(one[0], seen.entries));
  const blocked = [...repositories, ...links.map(([path]) => path)];
  if (blocked.length === 0) return;
  const before = traces(Buffer.from(there.root));
  const failed = await stage.sync().catch((error: unknown) => error);
  expect(failed, 'a sync where something that cannot be saved is in the way').toMatchObject({
    code: 'sync.remote_failed',
  });
  expect(traces(Buffer.from(there.root)), 'the workspace after it was refused').toBe(before);
  for (const directory of blocked) there.remove(directory);
}

/** Another sync finds nothing to do, and does nothing. */
export async function expectInStep(stage: Stage, first: SyncResult): Promise<void> {
  const { there } = stage;
  const before = traces(Buffer.from(there.root));
  const second = await stage.sync();
  const { verified, upToDate, sentBytes, drift, tree } = second;
  const expected = { verified: true, upToDate: true, sentBytes: 0, drift: null, tree: first.tree };
  expect({ verified, upToDate, sentBytes, drift, tree }, 'a second sync').toEqual(expected);
  expect(traces(Buffer.from(there.root)), 'the workspace after a second sync').toBe(before);
}

const tracesOf = (tree: Tree, directories: readonly string[]): string[] =>
  directories.map((directory) => `${directory} ${traces(tree.at(directory + '/.git'))}`);

/** Whether an ignore file of the workspace, unlike the one here, takes back a rule. */
function takesBack(there: Tree, here: Tree): boolean {
  const ignoreFiles = there.leaves().filter((path) => /(^|\/)\.gitignore$/.test(path));
  return ignoreFiles.some((path) => {
    const entry = there.read(path);
    if (!entry.content.toString('latin1').includes('!')) return false;
    const stands = here.stats(path)?.isFile() === true;
    return !stands || !here.read(path).content.equals(entry.content);
  });
}
