import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { startAfterLanding } from './after-another.js';
import type { Execution, startExecution } from './execution.js';
import type { PassOn } from './latest-run.js';
import type { Place } from './start.js';

/** What is to be run on each landing that changed something, and who takes what it prints. */
export interface AfterLanding {
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly passOn: PassOn;
}

/**
 * Runs it to its end, without input, and tells whether it exited with 0: all else is emitted. It ends with the signal, and
 * throws its reason then.
 */
export async function runAfterLanding(
  { transport, workspace }: Place,
  { command, variables, passOn }: AfterLanding,
  world: Parameters<typeof startExecution>[2] & { readonly emit: Emit },
): Promise<boolean> {
  const { clock, signal, emit } = world;
  const startedMs = clock.now();
  try {
    const execution = await startAfterLanding(transport, { workspace, command, variables, terminal: undefined }, world);
    emit({ kind: 'run.started', command });
    const code = await followToEnd(execution, passOn, signal);
    emit({ kind: 'run.ended', command, code, elapsedMs: Math.round(clock.now() - startedMs) });
    return code === 0;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SidecarError)) throw error;
    emit({ kind: 'run.failed', command, error });
    return false;
  }
}

async function followToEnd(execution: Execution, passOn: PassOn, signal: AbortSignal): Promise<number> {
  const stop = (): void => execution.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const pass = async (stream: 'stdout' | 'stderr'): Promise<void> => {
    for await (const chunk of execution[stream]) await passOn(stream, chunk as Buffer);
  };
  execution.stdin.end();
  const passing = Promise.all([pass('stdout'), pass('stderr')]);
  passing.catch(() => undefined); // a stream that broke: the end says why
  try {
    const code = await execution.ended;
    await passing;
    signal.throwIfAborted();
    return code;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
