import { SidecarError } from '../../src/errors.js';
import type { Pulled } from '../../src/workspace/pull.js';
import type { Context } from '../context.js';
import type { Line } from '../ui/line.js';
import { printBytes } from '../ui/patch.js';
import { countOf, countWords, pathLines } from '../ui/path-lines.js';
import { aFew } from '../ui/quantities.js';
import { withWorkspace } from '../workspace.js';
import { showPatch } from './diff.js';

export interface PullFlags {
  readonly patch?: boolean;
  readonly branch?: string;
  readonly apply?: boolean;
}

/** One of three ways, and without any, a look at what would come. */
export async function pull(context: Context, { patch, branch, apply }: PullFlags): Promise<void> {
  await withWorkspace(context, async (workspace) => {
    if (branch !== undefined) await workspace.checkBranch(branch);
    await workspace.pull(async (pulled) => {
      if (apply === true) await applyHere(context, pulled);
      else if (branch !== undefined) await commitOn(context, pulled, branch);
      else if (patch === true) await showPatch(context, pulled.patch, pulled.found, {});
      else await look(context, pulled);
      if (countOf(pulled.paths) === 0) context.output.note(...nothing(pulled));
    });
  });
}

const where = ({ found: { sidecar, workspace } }: Pulled): Line[number] => ({
  text: `${sidecar}:${workspace}`,
  style: 'bold',
});

const nothing = (pulled: Pulled): Line => [
  'nothing to pull: ',
  where(pulled),
  ' holds no change since the last landing that is not here',
];

async function look({ output }: Context, pulled: Pulled): Promise<void> {
  const { patch, found } = pulled;
  const conflicts = await pulled.conflicts();
  output.clearProgress();
  if (output.json) {
    output.answer({ ...found, files: await patch.files(), conflicts }, []);
    return;
  }
  await printBytes(output, patch.stat(output.look));
  if (conflicts.length > 0) {
    output.warn(`changed here too since the last landing, so that --apply refuses: ${aFew(conflicts)}`);
  }
  if (countOf(pulled.paths) > 0) {
    output.note(
      '`sidecar pull --apply` puts this into the working tree, `--branch B` on a branch, `--patch` prints it',
    );
  }
}

async function applyHere({ output }: Context, pulled: Pulled): Promise<void> {
  const { applied } = await pulled.apply().catch((error: unknown) => {
    // Which paths these are is the answer; the error says what to make of it.
    if (error instanceof SidecarError && error.code === 'pull.conflict' && !output.json) {
      const conflicts = error.facts['conflicts'] as readonly string[];
      output.answer(
        error.facts,
        conflicts.map((path): Line => ['  conflict: ', { text: path, style: 'red' }]),
      );
    }
    throw error;
  });
  const lines: Line[] = [
    [
      { text: '✓ ', style: 'green' },
      `applied what was changed on `,
      where(pulled),
      ` (${countWords({ added: applied.added.length, modified: applied.modified.length, deleted: applied.deleted.length })})`,
    ],
    ...pathLines(applied),
  ];
  output.outcome({ ...pulled.found, applied }, countOf(pulled.paths) === 0 ? [] : lines);
}

async function commitOn({ output }: Context, pulled: Pulled, branch: string): Promise<void> {
  const made = await pulled.commitOn(branch);
  const changes = pulled.paths;
  if (made === null) {
    output.outcome({ ...pulled.found, branch: null, commit: null, parent: null, changes }, []);
    if (countOf(changes) > 0)
      output.note('nothing to commit: git takes in no difference, as with line ends that it converts');
    return;
  }
  const { commit } = made;
  output.outcome({ ...pulled.found, ...made, changes }, [
    [
      { text: '✓ ', style: 'green' },
      'committed what was changed on ',
      where(pulled),
      ' on branch ',
      { text: branch, style: 'bold' },
      `, as ${commit.slice(0, 10)}; \`git show ${branch}\` shows it`,
    ],
    ...pathLines(changes),
  ]);
}
