import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { SidecarError } from '../../errors.js';
import { unwritable } from '../../files/private-files.js';
import { accountName } from './account.js';
import { machineEnvironment } from './environment.js';
import { readServerState, type MachineFiles, type ServerState } from './machine.js';
import { hasArgument } from './process-arguments.js';

/** How to start the server's process. The sidecar's directory is added as the last argument. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
}

export interface StartOptions {
  readonly entry: ServerEntry;
  readonly env: NodeJS.ProcessEnv;
}

/** Starting Node takes a fraction of a second, on a busy machine a few. */
const startMs = 20_000;
const stopMs = 5000;
const pollMs = 20;

/** The server that is alive, if one is. A number that now belongs to another process is none. */
export async function findServer(files: MachineFiles): Promise<ServerState | undefined> {
  const state = await readServerState(files);
  return state !== undefined && (await isServer(state.pid, files)) ? state : undefined;
}

/**
 * Starts the server as a process of its own, which outlives this one and its terminal, and returns once the server has
 * said where it is or, before its boot is over, will be. The caller holds the directory's lock. Throws
 * `provider.failed` and `state.unwritable`.
 */
export async function startServer(files: MachineFiles, { entry, env }: StartOptions): Promise<ServerState> {
  const log = await open(files.log, 'a', 0o600).catch((error: unknown) => {
    throw unwritable(files.log, error);
  });
  try {
    await log.chmod(0o600);
    const child = spawn(entry.command, [...entry.args, await realpath(files.directory)], {
      cwd: '/',
      env: machineEnvironment({ env, home: files.home, user: accountName() }),
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
    const problem = await startProblem(child);
    if (problem !== undefined) {
      child.kill('SIGKILL');
      throw await startFailed(files, problem);
    }
  } finally {
    await log.close();
  }
  const state = await findServer(files);
  if (state === undefined) throw await startFailed(files, 'it ended at once');
  return state;
}

/** Undefined once the server says that it started. Nothing of it holds this process afterwards. */
async function startProblem(child: ChildProcess): Promise<string | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      new Promise<undefined>((resolve) => child.once('message', () => resolve(undefined))),
      new Promise<string>((resolve) => child.once('error', (error) => resolve(error.message))),
      new Promise<string>((resolve) => child.once('exit', (code) => resolve(`it ended with code ${String(code)}`))),
      sleep(startMs, 'it did not start in time', { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** The log goes with the machine, so its last line is told. */
async function startFailed(files: MachineFiles, problem: string): Promise<SidecarError> {
  const said = await readFile(files.log, 'utf8').catch(() => '');
  const lastLine = said.trimEnd().split('\n').at(-1) ?? '';
  const reason = `the local server could not be started: ${problem}${lastLine === '' ? '' : `, saying "${lastLine}"`}`;
  return new SidecarError('provider.failed', { reason }, { retryable: false });
}

/** Ends the server if one is alive. The caller holds the directory's lock. Throws `provider.failed`. */
export async function stopServer(files: MachineFiles): Promise<void> {
  const state = await findServer(files);
  if (state === undefined) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await endedBy(signal, state.pid, files)) return;
  }
  const reason = `process ${String(state.pid)}, its server, does not end`;
  throw new SidecarError('provider.failed', { reason, pid: state.pid }, { retryable: false });
}

async function endedBy(signal: NodeJS.Signals, pid: number, files: MachineFiles): Promise<boolean> {
  if (!(await isServer(pid, files))) return true;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
  const deadline = performance.now() + stopMs;
  while (performance.now() < deadline) {
    if (!(await isServer(pid, files))) return true;
    await sleep(pollMs);
  }
  return false;
}

async function isServer(pid: number, files: MachineFiles): Promise<boolean> {
  const directory = await realpath(files.directory).catch(() => undefined);
  return directory !== undefined && (await hasArgument(pid, directory));
}
