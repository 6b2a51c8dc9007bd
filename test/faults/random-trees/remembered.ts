import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { SidecarError } from '../../../src/errors.js';
import { SnapshotMemory } from '../../../src/git/snapshot-memory.js';
import { findWorkingTree } from '../../../src/git/working-tree.js';
import { prepare } from '../../../src/sync/prepare.js';
import { editsHere, type Edit } from './edits.js';
import { names } from './names.js';
import { commit, git } from './perform.js';
import { showEdit } from './show.js';
import { Stage } from './stage.js';
import type { Format } from './tree-id.js';

/** What happens to a working tree between one snapshot and the next. */
type Happening =
  | { readonly happens: 'edit'; readonly edit: Edit }
  /** The user's git moves the working tree, or its index alone, to another state. */
  | { readonly happens: 'reset' | 'stash' | 'unstash' | 'back' | 'untrack' | 'keep off' | 'let in' }
  /** Time enough that stamps count. */
  | { readonly happens: 'pause' };

export interface Remembered {
  readonly format: Format;
  readonly names: readonly string[];
  readonly rounds: readonly (readonly Happening[])[];
}

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ happens: fc.constant('edit' as const), edit: editsHere({ tangled: true }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      happens: fc.constantFrom(...(['reset', 'stash', 'unstash', 'back', 'untrack', 'keep off', 'let in'] as const)),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ happens: 'pause' as const }) },
);

export const rememberedCase: fc.Arbitrary<Remembered> = fc.record({
  format: fc.constantFrom('sha1' as const, 'sha1' as const, 'sha256' as const),
  names,
  rounds: fc.array(fc.array(happening, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 7 }),
});

export function showRemembered({ format, names, rounds }: Remembered): string {
  const show = (one: Happening): string => (one.happens === 'edit' ? showEdit(one.edit, names) : one.happens);
  return [`format: ${format}`, ...rounds.flatMap((round) => [...round.map(show), 'snapshot'])].join('\n');
}

/** After each round, a snapshot with the memory of those before says what one says that reads everything. */
export async function playRemembered({ format, names, rounds }: Remembered): Promise<void> {
  const stage = new Stage({ format, names });
  const memory = new SnapshotMemory();
  const states = { next: stage.side.otherState(), whole: stage.side.otherState() };
  try {
    for (const round of rounds) {
      for (const one of round) await happen(stage, one);
      const next = await said(stage, { state: states.next, memory });
      expect(next).toEqual(await said(stage, { state: states.whole }));
    }
  } finally {
    stage.remove();
  }
}

async function happen(stage: Stage, one: Happening): Promise<void> {
  const scene = { tree: stage.here, names: [], home: stage.side.localHome };
  const { root } = stage.here;
  switch (one.happens) {
    case 'edit':
      stage.editHere([one.edit]);
      return;
    case 'pause':
      return sleep(40);
    case 'reset':
      git(scene, root, ['reset', '-q', '--hard']);
      return;
    case 'stash':
      commit(scene, root);
      stage.here.file('stashed', Buffer.from('stashed\n'));
      git(scene, root, ['stash', '-q', '-u']);
      return;
    case 'unstash':
      git(scene, root, ['stash', 'pop', '-q']);
      return;
    case 'back':
      git(scene, root, ['checkout', '-q', 'HEAD~1']);
      return;
    case 'untrack':
      git(scene, root, ['rm', '-q', '-r', '--cached', '.']);
      return;
    case 'keep off':
      git(scene, root, ['sparse-checkout', 'set', '--no-cone', '/a', '/out/']);
      return;
    case 'let in':
      git(scene, root, ['sparse-checkout', 'disable']);
  }
}

/** Tree, rules and what was skipped; or the code of the error. */
async function said(
  stage: Stage,
  { state, memory }: { readonly state: string; readonly memory?: SnapshotMemory },
): Promise<unknown> {
  const { env, root } = stage.side.repo;
  const directory = await findWorkingTree(root, { env });
  const request = {
    ...{ directory, stateDir: state, env, clock: systemClock, emit: () => undefined, sidecar: 'web' },
    ...{ signal: new AbortController().signal, open: () => Promise.reject(new Error('no session')) },
    ...(memory === undefined ? {} : { memory }),
  };
  try {
    const { snapshot } = await prepare(request, directory, { fresh: memory === undefined });
    const { tree, rules, skipped } = snapshot;
    return { tree, rules, skipped: skipped.map(({ path, reason }) => `${reason} ${path}`).sort() };
  } catch (error) {
    if (error instanceof SidecarError) return { code: error.code };
    throw error;
  }
}
