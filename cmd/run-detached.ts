import { SidecarError } from '../src/errors.js';
import type { SyncResult } from '../src/sync/result.js';
import { aboutSidecar } from '../src/sidecars/about.js';
import type { Context } from './context.js';
import { withRuns } from './detached.js';
import type { LandingHere } from './landing.js';
import { exitCode } from './ui/exit-codes.js';
import type { RunFlags } from './commands/run.js';

interface Wanted {
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly flags: RunFlags;
  /** What comes before. */
  readonly land: (() => Promise<SyncResult>) | undefined;
}

/** Begins a run there that lives on by itself, once what is to be landed has. */
export async function runDetached(
  context: Context,
  here: LandingHere,
  { command, variables, flags, land }: Wanted,
): Promise<number> {
  if (flags.tty === true) {
    throw new SidecarError('usage.invalid', { reason: '--detach and --tty do not go together: there is no terminal' });
  }
  if (flags.forwardAgent === true) {
    const reason = '--detach and --forward-agent do not go together: an agent is forwarded by a connection';
    throw new SidecarError('usage.invalid', { reason });
  }
  const { output, signal } = context;
  const { name } = here.record;
  const warnOf = (id: string, how: string): void =>
    output.leftBehind(`run ${id} ${how}: \`sidecar logs ${id}\` tells, and Ctrl-C in \`sidecar attach ${id}\` ends it`);
  const started = await aboutSidecar(name, async () => {
    const landed = await land?.();
    return withRuns(context, here, {
      ...{ flags, work: (runs) => runs.start({ command, variables }) },
      ...(landed === undefined ? {} : { workdir: landed.workspace }),
    });
  }).catch((error: unknown) => {
    const { code, facts } = error instanceof SidecarError ? error : {};
    // Whoever is interrupted is told of nothing else that went wrong.
    if (signal.aborted && code === 'run.uncertain') warnOf(String(facts?.['run']), 'may have begun');
    throw error;
  });
  if (signal.aborted) warnOf(started.id, 'has begun, and goes on');
  signal.throwIfAborted();
  output.answer(started, [[started.id]]);
  output.note(`runs on ${name} by itself; \`sidecar attach ${started.id}\` follows it, and ends as it does`);
  return exitCode.done;
}
