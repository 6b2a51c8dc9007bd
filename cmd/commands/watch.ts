import type { Emit } from '../../src/events.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { AfterLandingFlags } from '../after-landing.js';
import type { Context } from '../context.js';
import { landingHere, type LandingFlags } from '../landing.js';
import type { Output } from '../ui/output.js';
import { createReporter } from '../ui/reporter.js';
import { saidOnce } from '../ui/said-once.js';
import { driftWarning, landedWords } from '../ui/sync-summary.js';
import { warnOfWithheld } from '../withheld.js';

export type WatchFlags = LandingFlags & AfterLandingFlags;

/** Ends with an error, or with Ctrl-C. */
export async function watch(context: Context, command: readonly string[], flags: WatchFlags): Promise<void> {
  const { output } = context;
  const { sidecars, record, settings, options } = await landingHere(context, flags);
  warnOfWithheld(context, settings.withheld);
  const { environment: variables } = settings;
  const after = flags.afterLanding === false ? undefined : settings.afterLanding.value;
  const { name } = record;
  const onLanded = (result: SyncResult): void => {
    const warning = driftWarning(result);
    if (warning !== undefined) output.warn(warning);
    // stdout is for the documents, or for what the command prints.
    if (output.json) output.answer(result, []);
    else output.note(...landedWords(result));
  };
  const passOn = async (stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> => {
    await output.pass(output.json ? 'stderr' : stream, chunk);
  };
  const toStderr: typeof passOn = (_, chunk) => passOn('stderr', chunk);
  await aboutSidecar(name, async () =>
    sidecars.watch(record, {
      ...(await options()),
      emit: withRuns(output, name, saidOnce(createReporter(output, name), ['snapshot.skipped', 'sync.left_alone'])),
      onLanded,
      ...(after === undefined ? {} : { afterLanding: { command: after, variables, passOn: toStderr } }),
      ...(command.length === 0 ? {} : { run: { command, variables, passOn } }),
    }),
  );
}

/** With `--json`, how a run ended is a document of its own. */
function withRuns(output: Output, sidecar: string, emit: Emit): Emit {
  return (event) => {
    if (output.json && event.kind === 'run.ended') {
      const { command, code, elapsedMs } = event;
      output.answer({ sidecar, run: { command, code, elapsedMs } }, []);
    }
    emit(event);
  };
}
