import { aboutSidecar } from '../../src/sidecars/about.js';
import { namedSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { createReporter } from '../ui/reporter.js';
import { tellDaemon } from '../through-daemon.js';

/** The machine goes first: a deletion that is cut off leaves a sidecar that can be deleted again. */
export async function deleteSidecar(context: Context, given: string | undefined): Promise<void> {
  const sidecars = openSidecars(context);
  const record = await namedSidecar(context, sidecars, given);
  const { name } = record;
  context.output.progress(`deleting ${name}…`);
  await aboutSidecar(name, () => sidecars.delete(name, { emit: createReporter(context.output, name) }));
  await tellDaemon(context, { command: 'drop', sidecar: name });
  const rest = record.provider.kind === 'ssh' ? '; its machine is not ours to delete, and stays as it is' : '';
  context.output.outcome({ name, deleted: true }, [[{ text: '✓ ', style: 'green' }, `deleted ${name}${rest}`]]);
}
