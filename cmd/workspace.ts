import type { Workspace } from '../src/workspace/workspace.js';
import { aboutSidecar } from '../src/sidecars/about.js';
import type { Context } from './context.js';
import { landingHere } from './landing.js';
import { createReporter } from './ui/reporter.js';

/**
 * Does something with the workspace that a sync from here would land in: over a session of its own. Errors say which
 * sidecar they are about.
 */
export async function withWorkspace<T>(
  context: Context,
  work: (workspace: Workspace, sidecar: string) => Promise<T>,
): Promise<T> {
  const { sidecars, record, options } = await landingHere(context, {});
  const emit = createReporter(context.output, record.name);
  return aboutSidecar(record.name, async () =>
    work(await sidecars.workspace(record, { ...(await options()), emit }), record.name),
  );
}
