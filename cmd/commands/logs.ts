import { SidecarError } from '../../src/errors.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { DetachedRun, RunState } from '../../src/run/detached-list.js';
import type { Context } from '../context.js';
import { connectFlags, passRun, withRuns, type ReadFlags } from '../detached.js';
import { landingHere } from '../landing.js';
import { exitCode } from '../ui/exit-codes.js';
import { commandLine } from '../ui/command-line.js';
import { table } from '../ui/table.js';

export interface LogsFlags extends ReadFlags {
  readonly follow?: boolean;
  readonly list?: boolean;
}

/** The exit code is this command's own, not the run's. */
export async function logs(context: Context, id: string | undefined, flags: LogsFlags): Promise<number> {
  const { follow = false, list = false } = flags;
  if (list && (follow || id !== undefined)) {
    throw new SidecarError('usage.invalid', { reason: '--list lists all runs: it goes with no id and no --follow' });
  }
  const here = await landingHere(context, connectFlags(flags));
  return aboutSidecar(here.record.name, async () => {
    if (list) return showList(context, here, flags);
    const { run, state } = await passRun(context, here, { id, follow, flags, isAttached: false });
    if (typeof state === 'number') return state;
    if (state.state === 'lost') context.output.warn(`run ${run} was lost: nobody knows how it ended`);
    return exitCode.done;
  });
}

async function showList(
  context: Context,
  here: Awaited<ReturnType<typeof landingHere>>,
  flags: LogsFlags,
): Promise<number> {
  const result = await withRuns(context, here, { flags: connectFlags(flags), work: (runs) => runs.list() });
  const { runs, sidecar, workspace } = result;
  context.output.answer(result, runs.length === 0 ? [] : table(['ID', 'STATE', 'STARTED', 'COMMAND'], runs.map(row)));
  if (runs.length === 0) context.output.note(`nothing has been run with --detach in ${sidecar}:${workspace}`);
  return exitCode.done;
}

const row = (run: DetachedRun): string[] => [run.id, stateWords(run), run.startedAt, commandLine(run.command)];

const stateWords = (run: RunState): string => (run.state === 'exited' ? `exited ${run.code}` : run.state);
