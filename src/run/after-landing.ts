import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Transport } from '../transport/transport.js';
import { startExecution, type Execution, type ExecutionRequest } from './execution.js';
import type { PassOn } from './latest-run.js';
import type { Place } from './start.js';

/** The first wait, and the longest, in milliseconds. Each is twice the one before. */
const firstMs = 50;
const lastMs = 800;

/** `startExecution` on a connection on which a landing has just ended. */
export async function startAfterLanding(
  transport: Transport,
  request: ExecutionRequest,
  world: Parameters<typeof startExecution>[2],
): Promise<Execution> {
  return afterAnother(() => startExecution(transport, request, world), world);
}

/**
 * What opens a channel on a connection on which another has just ended: it may be counted over there for a moment longer,
 * by a server that allows only one.
 */
export async function afterAnother<T>(
  open: () => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T> {
  for (let delayMs = firstMs; ; delayMs *= 2) {
    try {
      return await open();
    } catch (error) {
      if (!isWithoutChannel(error) || delayMs > lastMs) throw error;
      await clock.sleep(delayMs, signal);
    }
  }
}

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

/** Nothing has been started then. A server that has no terminal to give has opened a channel before. */
function isWithoutChannel(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'ssh.channel_refused' && 'sshReason' in error.facts;
}
