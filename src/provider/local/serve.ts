import { readFile, rm, rmdir } from 'node:fs/promises';
import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { writePrivateFile } from '../../files/private-files.js';
import { readStored } from '../../sidecars/store.js';
import { filesIn, machineSetup, readServerState, serverState, type MachineFiles } from './machine.js';
import { startLocalServer } from './server.js';

const checkMs = 5000;

export interface ServeOptions {
  /** The sidecar's directory, see machine.ts. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Ends the server. */
  readonly signal: AbortSignal;
  /** Called once `server.json` tells where the server is or will be. */
  readonly onStarted: () => void;
}

/**
 * The whole life of a local sidecar's server process: boot, listen, end. It also ends by itself when its directory is
 * gone or another server has taken its place.
 *
 * booting (refuses connections) → listening → ended
 */
export async function serveLocal({ directory, env, clock, signal, onStarted }: ServeOptions): Promise<void> {
  const files = filesIn(directory);
  const setup = await readStored(files.setup, machineSetup);
  if (setup === undefined) throw new SidecarError('provider.failed', { reason: `${files.setup} is missing` });

  let { port } = (await readServerState(files)) ?? setup;
  const announce = async (): Promise<void> => {
    await writePrivateFile(files.server, JSON.stringify({ pid: process.pid, port, started: new Date().toISOString() }));
    // Deleted before anybody could know of this process, the directory has just been made again.
    if ((await readStored(files.setup, machineSetup)) === undefined) {
      await rm(files.server, { force: true });
      await rmdir(directory).catch(() => undefined);
      throw new SidecarError('provider.failed', { reason: `${directory} was deleted` });
    }
    onStarted();
  };
  const bootMs = Date.parse(setup.bootsAt) - Date.now();
  if (bootMs > 0) {
    await announce();
    if (!(await sleptFully(clock, bootMs, signal)) || !(await isOurs(files))) return;
  }
  const server = await startLocalServer({
    port,
    hostKey: await readFile(files.hostKey, 'utf8'),
    authorizedKeys: (await readFile(files.authorizedKeys, 'utf8')).trim().split('\n'),
    home: files.home,
    env,
  });
  try {
    port = server.port;
    await announce();
    while ((await sleptFully(clock, checkMs, signal)) && (await isOurs(files)));
  } finally {
    await server.close();
  }
}

/** False when the directory is gone, or another server writes there. A file that cannot be read now says neither. */
async function isOurs(files: MachineFiles): Promise<boolean> {
  return readStored(files.server, serverState).then(
    (state) => state?.pid === process.pid,
    () => true,
  );
}

/** False when the signal ended the sleep. */
async function sleptFully(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );
}
