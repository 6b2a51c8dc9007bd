import { expect } from 'vitest';
import { remoteScriptLine } from '../../../src/sync/remote-script.js';
import { AtRisk } from './at-risk.js';
import type { Chain, Step } from './chain.js';
import { treeIsWhatAnyoneCanCompute, workspaceIsTheSnapshot } from './invariants.js';
import { expectInStep } from './play.js';
import { SavedDrift } from './saved-drift.js';
import { Stage, traces } from './stage.js';

/** Takes the steps one after another; then a plain sync must finish everything, and nothing may be lost. */
export async function playChain({ format, names, steps }: Chain): Promise<void> {
  const stage = new Stage({ format, names });
  const books = new AtRisk();
  try {
    stage.there.make();
    for (const step of steps) await take(step, stage, books);
    begin(stage, books);
    const untouchable = stage.untouchable();
    const result = await stage.sync();
    const { here, there } = stage;
    const after = there.entries();
    const seen = stage.seenHere();
    workspaceIsTheSnapshot({ here, seen, there, after, ownRepositories: [] });
    treeIsWhatAnyoneCanCompute({ seen, result, format });
    expect(books.lost(after, new SavedDrift(stage.side), format), 'neither in place nor saved').toEqual([]);
    expect(stage.untouchable(), 'the user’s files and repository, and what is outside of both trees').toBe(untouchable);
    await expectInStep(stage, result);
  } finally {
    stage.remove();
  }
}

/** Before anything is sent. */
function begin(stage: Stage, books: AtRisk): void {
  books.ours(stage.seenHere().entries);
  books.theirs(stage.there.entries());
}

async function take(step: Step, stage: Stage, books: AtRisk): Promise<void> {
  const { there } = stage;
  const workspace = (): string => traces(Buffer.from(there.root));
  switch (step.step) {
    case 'edit here':
      stage.editHere([step.edit]);
      return;
    case 'edit there': {
      const before = there.entries();
      stage.editThere([step.edit]);
      books.changedThere(before, there.entries());
      return;
    }
    case 'dry run': {
      const before = workspace();
      await stage.sync({ dryRun: true });
      expect(workspace(), 'the workspace after a dry run').toBe(before);
      return;
    }
    case 'refusing sync': {
      begin(stage, books);
      const before = workspace();
      const failed = await stage.sync({ drift: 'refuse' }).catch((error: unknown) => error);
      if (!(failed instanceof Error)) return;
      expect(failed).toMatchObject({ code: 'sync.drifted' });
      expect(workspace(), 'the workspace after a refusal').toBe(before);
      return;
    }
    case 'sync':
      begin(stage, books);
      await stage.sync();
      return;
    case 'cut':
      begin(stage, books);
      await interrupted(stage, step);
  }
}

/** A sync whose connection goes. It finishes over another if there is one. */
async function interrupted(stage: Stage, step: Extract<Step, { step: 'cut' }>): Promise<void> {
  const { direction, bytes, worksOn, comesBack } = step;
  // Most of what is sent is the script: the cut comes at its end or after.
  const script = Buffer.byteLength(remoteScriptLine('0'.repeat(24)), 'latin1');
  const after = direction === 'sent' ? { sentBytes: script + bytes } : { receivedBytes: bytes };
  const failed = await stage.sync({ cut: { after, worksOn, comesBack } }).catch((error: unknown) => error);
  if (!(failed instanceof Error)) return;
  expect(comesBack, 'there was another connection').toBe(false);
  expect(failed).toMatchObject({ code: 'ssh.connection_lost' });
}
