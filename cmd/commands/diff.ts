import type { Patch } from '../../src/workspace/patch.js';
import type { Context } from '../context.js';
import { printBytes, printPatch } from '../ui/patch.js';
import { withWorkspace } from '../workspace.js';

export interface DiffFlags {
  readonly stat?: boolean;
}

export async function diff(context: Context, flags: DiffFlags): Promise<void> {
  await withWorkspace(context, (workspace) =>
    workspace.diff(async ({ patch, ...about }) => showPatch(context, patch, about, flags)),
  );
}

/** A patch as it was asked for: itself, its statistics, or a document with `about` at its head. */
export async function showPatch(context: Context, patch: Patch, about: object, { stat }: DiffFlags): Promise<void> {
  const { output } = context;
  output.clearProgress();
  if (output.json) output.answer({ ...about, files: await patch.files() }, []);
  else if (stat === true) await printBytes(output, patch.stat(output.look));
  else await printPatch(output, patch.text());
}
