import { SidecarError } from '../../src/errors.js';
import type { Paths } from '../../src/workspace/changes.js';
import type { Context } from '../context.js';
import { pathLines } from '../ui/path-lines.js';
import { count, formatBytes } from '../ui/quantities.js';
import { withWorkspace } from '../workspace.js';

export async function verify(context: Context): Promise<void> {
  const { output } = context;
  try {
    const result = await withWorkspace(context, (workspace) => workspace.verify());
    const { sidecar, workspace, tree, files, bytes } = result;
    output.outcome(result, [
      [
        { text: '✓ ', style: 'green' },
        { text: `${sidecar}:${workspace}`, style: 'bold' },
        ` holds tree ${tree.slice(0, 10)}: ${count(files, 'file')}, ${formatBytes(bytes)} read again`,
      ],
    ]);
  } catch (error) {
    // What differs is the answer; the error says what to make of it.
    if (error instanceof SidecarError && error.code === 'verify.differs' && !output.json) {
      output.answer(error.facts, pathLines(error.facts as unknown as Paths));
    }
    throw error;
  }
}
