import type { Context } from '../context.js';
import { countWords } from '../ui/path-lines.js';
import { withWorkspace } from '../workspace.js';

export async function undo(context: Context): Promise<void> {
  const { output } = context;
  const result = await withWorkspace(context, (workspace) => workspace.undo());
  const { sidecar, workspace, changed, drift, tree } = result;
  if (drift !== null) {
    output.warn(
      `what had changed there since the last landing was saved first, as ${drift.id ?? ''}; \`sidecar drift list\` shows it`,
    );
  }
  output.outcome(result, [
    [
      { text: '✓ ', style: 'green' },
      { text: `${sidecar}:${workspace}`, style: 'bold' },
      `: put back what the last landing replaced (${countWords(changed)}), `,
      { text: `tree ${tree.slice(0, 10)} proved`, style: 'dim' },
    ],
    ['another `sidecar undo` takes this back; the next sync lands the working tree again'],
  ]);
}
