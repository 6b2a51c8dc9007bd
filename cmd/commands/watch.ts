import type { Emit } from '../../src/events.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { landingHere, type LandingFlags } from '../landing.js';
import type { Output } from '../ui/output.js';
import { createReporter } from '../ui/reporter.js';
import { saidOnce } from '../ui/said-once.js';
import { driftWarning, landedWords } from '../ui/sync-summary.js';

/** Ends with an error, or with Ctrl-C. */
export async function watch(context: Context, command: readonly string[], flags: LandingFlags): Promise<void> {
  const { output } = context;
  const { sidecars, record, options } = await landingHere(context, flags);
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
  await aboutSidecar(name, async () =>
    sidecars.watch(record, {
      ...(await options()),
      emit: withRuns(output, name, saidOnce(createReporter(output, name), ['snapshot.skipped', 'sync.left_alone'])),
      onLanded,
      ...(command.length === 0 ? {} : { run: { command, passOn } }),
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
