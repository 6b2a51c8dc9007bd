import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { attach } from '../execution.js';
import { landingHere, type LandingFlags } from '../landing.js';
import { createReporter } from '../ui/reporter.js';
import { driftWarning, landedWords } from '../ui/sync-summary.js';
import { variablesFor } from '../variables.js';
import type { ExecFlags } from './exec.js';

export interface RunFlags extends LandingFlags, Omit<ExecFlags, 'workdir'> {
  /** False after `--no-sync`. */
  readonly sync: boolean;
  /** False after `--no-map-paths`. */
  readonly mapPaths: boolean;
}

/** Without the daemon: the landing has to be proved on the connection that the command runs on. */
export async function run(context: Context, command: readonly string[], flags: RunFlags): Promise<number> {
  const { output, terminal } = context;
  const variables = variablesFor(context, flags);
  const { sidecars, record, options } = await landingHere(context, flags);
  const onTerminal = flags.tty ?? false;
  const onLanded = (result: SyncResult): void => {
    const warning = driftWarning(result);
    if (warning !== undefined) output.warn(warning);
    // On a terminal the live line has said enough.
    if (!output.live || output.verbose) output.note(...landedWords(result));
  };
  return aboutSidecar(record.name, async () => {
    const asked = await options();
    const request = {
      ...asked,
      ...{ command, variables, terminal: onTerminal ? terminal.describe() : undefined },
      emit: createReporter(output, record.name),
    };
    const execution = flags.sync
      ? await sidecars.run(record, { ...request, onLanded })
      : await sidecars.exec(record, request);
    const { workspace: from } = execution;
    const { root: to } = await sidecars.workingTree(asked.directory);
    const mapping = flags.mapPaths && from !== undefined ? { from, to } : undefined;
    return attach(context, execution, { onTerminal, hasInput: flags.stdin !== false, mapping });
  });
}
