import type { Execution } from '../../src/run/execution.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { AfterLandingFlags } from '../after-landing.js';
import type { Context } from '../context.js';
import { attach, startThere } from '../execution.js';
import { landProved } from '../land-proved.js';
import { landingAsked, landingHere, type LandingFlags } from '../landing.js';
import { createReporter } from '../ui/reporter.js';
import { driftWarning, landedWords } from '../ui/sync-summary.js';
import { variablesFor } from '../variables.js';
import { warnOfWithheld } from '../withheld.js';
import type { ExecFlags } from './exec.js';
import { runDetached } from '../run-detached.js';

export interface RunFlags extends LandingFlags, AfterLandingFlags, Omit<ExecFlags, 'workdir'> {
  /** False after `--no-sync`. */
  readonly sync: boolean;
  /** False after `--no-map-paths`. */
  readonly mapPaths: boolean;
  readonly detach?: boolean;
}

/**
 * The daemon lands on the session that it then starts the command on; without it both go over one connection, unless
 * something is to be run in between. Nothing is started where the landing is not proved.
 */
export async function run(context: Context, command: readonly string[], flags: RunFlags): Promise<number> {
  const { output, terminal } = context;
  const tellLanded = (result: SyncResult): void => {
    const warning = driftWarning(result);
    if (warning !== undefined) output.warn(warning);
    // On a terminal the live line has said enough.
    if (!output.live || output.verbose) output.note(...landedWords(result));
  };
  const given = variablesFor(context, flags);
  const landingThere = await landingHere(context, flags);
  const { sidecars, record, settings, options } = landingThere;
  warnOfWithheld(context, settings.withheld);
  const variables = { ...settings.environment, ...given };
  const afterwards = flags.afterLanding === false ? undefined : settings.afterLanding.value;
  const after = afterwards === undefined ? undefined : { command: afterwards, variables };
  const landFirst = (): Promise<SyncResult> =>
    landProved(context, { sidecar: record.name, flags, after, onLanded: tellLanded });
  if (flags.detach === true) {
    return runDetached(context, landingThere, { command, variables, flags, land: flags.sync ? landFirst : undefined });
  }
  const onTerminal = flags.tty ?? false;
  return aboutSidecar(record.name, async () => {
    const landing = await options();
    const request = {
      ...{ ...landing, command, variables, terminal: onTerminal ? terminal.describe() : undefined },
      ...(flags.forwardAgent === true && { forwardAgent: true }),
    };
    const here = { sidecars, record, asked: landingAsked(context, flags) };
    const start = async (): Promise<Execution> => {
      if (!flags.sync) return startThere(context, { ...here, request });
      // A landing is never given the agent.
      if (!context.daemon && after === undefined && flags.forwardAgent !== true) {
        const emit = createReporter(output, record.name);
        return sidecars.run(record, { ...request, emit, onLanded: tellLanded });
      }
      const { workspace } = await landFirst();
      return startThere(context, { ...here, request: { ...request, workdir: workspace } });
    };
    const execution = await start();
    const { workspace: from } = execution;
    const { root: to } = await sidecars.workingTree(landing.directory);
    const mapping = flags.mapPaths && from !== undefined ? { from, to } : undefined;
    return attach(context, execution, { onTerminal, hasInput: flags.stdin !== false, mapping });
  });
}
