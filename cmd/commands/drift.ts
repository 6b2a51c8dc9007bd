import { realpathSync } from 'node:fs';
import path from 'node:path';
import { SidecarError } from '../../src/errors.js';
import type { SavedDrift } from '../../src/workspace/saved-drift.js';
import type { Context } from '../context.js';
import { countWords, pathLines } from '../ui/path-lines.js';
import { count } from '../ui/quantities.js';
import { table } from '../ui/table.js';
import { withWorkspace } from '../workspace.js';
import { showPatch, type DiffFlags } from './diff.js';

export async function driftList(context: Context): Promise<void> {
  const result = await withWorkspace(context, (workspace) => workspace.listDrift());
  const { drift, sidecar, workspace } = result;
  context.output.answer(result, drift.length === 0 ? [] : table(['ID', 'SAVED', 'CHANGES'], drift.map(row)));
  if (drift.length === 0) context.output.note(`no drift is saved of ${sidecar}:${workspace}`);
}

const row = ({ id, at, changed }: SavedDrift): string[] => [
  id,
  at,
  changed === null ? 'cannot be told' : countWords(changed),
];

export async function driftShow(context: Context, id: string | undefined, flags: DiffFlags): Promise<void> {
  await withWorkspace(context, (workspace) =>
    workspace.showDrift(id, ({ patch, ...about }) => showPatch(context, patch, about, flags)),
  );
}

export async function driftRestore(context: Context, id: string | undefined, paths: readonly string[]): Promise<void> {
  // As git takes them: from where the command works.
  const from = realpathSync(context.directory);
  const only = paths.map((one) => path.resolve(from, one));
  const result = await withWorkspace(context, (workspace) => workspace.restoreDrift(id, only));
  const { sidecar, workspace, restored, drift } = result;
  if (drift !== null) {
    context.output.warn(
      `what had changed there since the last landing was saved first, as ${drift.id ?? ''}; \`sidecar drift list\` shows it`,
    );
  }
  context.output.outcome(result, [
    [
      { text: '✓ ', style: 'green' },
      { text: `${sidecar}:${workspace}`, style: 'bold' },
      `: restored ${result.id}; the next sync will find it as drift again`,
    ],
    ...pathLines(restored),
  ]);
}

export async function driftDrop(context: Context, ids: readonly string[], { all }: { all?: boolean }): Promise<void> {
  if ((all === true) === ids.length > 0) {
    const reason = all === true ? 'an id and --all are given' : 'which drift? give an id, or --all';
    throw new SidecarError('usage.invalid', { reason });
  }
  const result = await withWorkspace(context, (workspace) => workspace.dropDrift(all === true ? 'all' : ids));
  const { dropped } = result;
  const what = dropped.length === 0 ? 'there was no saved drift' : `dropped ${dropped.join(', ')}`;
  context.output.outcome(result, [
    dropped.length > 5
      ? [{ text: '✓ ', style: 'green' }, `dropped ${count(dropped.length, 'saved drift')}`]
      : [{ text: '✓ ', style: 'green' }, what],
  ]);
}
