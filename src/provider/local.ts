import { dirname } from 'node:path';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import { makePrivateDirectory, unwritable, writePrivateFile } from '../files/private-files.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import { readStored } from '../sidecars/store.js';
import { accountName } from './local/account.js';
import { freePort } from './local/free-port.js';
import { generateKeyPair } from './local/keys.js';
import { machineFiles, machineSetup, type MachineFiles, type MachineSetup } from './local/machine.js';
import { removeTree } from './local/remove-tree.js';
import { findServer, startServer, stopServer, type ServerEntry } from './local/server-process.js';
import type { Provider } from './provider.js';

export interface LocalDeps {
  readonly stateDir: string;
  /** Where the sidecar's commands get the little that they inherit, see local/environment.ts. */
  readonly env: NodeJS.ProcessEnv;
  /** See `localServerEntry`. */
  readonly serverEntry: ServerEntry;
}

export interface LocalRequest {
  readonly name: string;
  /** How long the new machine refuses connections, as one that boots does. At most a day. */
  readonly bootDelayMs?: number;
  readonly workdir?: string | undefined;
}

const longestBootMs = 24 * 3_600_000;

/** Longer than a start may take, which happens under the lock. */
const lockWait = { waitMs: 30_000 };

/**
 * Makes a machine out of a directory and a background process, starts it, and registers it: first of all, so that a
 * creation that is cut off leaves nothing that `delete` does not know of. Does not wait for the boot.
 *
 * Throws `sidecar.exists`, `usage.invalid`, `provider.failed`, and then leaves nothing behind.
 */
export async function createLocal(
  { name, bootDelayMs = 0, workdir }: LocalRequest,
  { stateDir, env, serverEntry, registry }: LocalDeps & { readonly registry: Registry },
): Promise<SidecarRecord> {
  checkBootDelay(bootDelayMs);
  const files = machineFiles(stateDir, name);
  const hostKey = await generateKeyPair();
  const createdAt = new Date();
  const record: SidecarRecord = {
    name,
    createdAt: createdAt.toISOString(),
    hostKeys: [hostKey.publicKey],
    provider: { kind: 'local' },
    ...(workdir === undefined ? {} : { workdir }),
  };
  const bootsAt = new Date(createdAt.getTime() + bootDelayMs).toISOString();

  return underLock(files, async () => {
    await registry.add(record);
    try {
      await discard(files); // what an earlier creation of that name may have left when it was cut off
      await furnish(files, { port: await freePort(), bootsAt }, hostKey.privateKey);
      await startServer(files, { entry: serverEntry, env });
    } catch (error) {
      await discard(files);
      await registry.remove(name, record);
      throw error;
    }
    return record;
  });
}

/** Local sidecars: see `createLocal`. One that is not running, as after a reboot, is started when it is asked for. */
export function localProvider({ stateDir, env, serverEntry }: LocalDeps): Provider {
  return {
    kind: 'local',
    target: async ({ name, hostKeys }) => {
      const files = machineFiles(stateDir, name);
      const { port } = (await findServer(files)) ?? (await restart(files, name, { entry: serverEntry, env }));
      return {
        alias: name,
        host: '127.0.0.1',
        port,
        user: accountName(),
        hostKeys,
        identityFiles: [files.clientKey],
        identitiesOnly: true,
        knownHostsFiles: [],
      };
    },
    delete: async ({ name }) => {
      const files = machineFiles(stateDir, name);
      await underLock(files, () => discard(files));
    },
  };
}

function checkBootDelay(ms: number): void {
  if (Number.isFinite(ms) && ms >= 0 && ms <= longestBootMs) return;
  throw new SidecarError('usage.invalid', { reason: 'the boot delay must be between 0 seconds and a day' });
}

/** Nobody else starts, ends or removes the machine meanwhile. */
async function underLock<T>(files: MachineFiles, action: () => Promise<T>): Promise<T> {
  await makePrivateDirectory(dirname(files.directory));
  return withLock(files.directory, action, lockWait);
}

async function restart(files: MachineFiles, name: string, start: Parameters<typeof startServer>[1]) {
  return underLock(files, async () => {
    if ((await readStored(files.setup, machineSetup)) === undefined) {
      const reason = `its files in ${files.directory} are gone`;
      throw new SidecarError('provider.failed', { name, reason }, { retryable: false });
    }
    return (await findServer(files)) ?? (await startServer(files, start));
  });
}

async function furnish(files: MachineFiles, setup: MachineSetup, hostPrivateKey: string): Promise<void> {
  const client = await generateKeyPair();
  await makePrivateDirectory(files.home);
  await writePrivateFile(files.hostKey, hostPrivateKey);
  await writePrivateFile(files.clientKey, client.privateKey);
  await writePrivateFile(files.authorizedKey, `${client.publicKey}\n`);
  await writePrivateFile(files.setup, `${JSON.stringify(setup)}\n`);
}

async function discard(files: MachineFiles): Promise<void> {
  await stopServer(files);
  try {
    await removeTree(files.directory);
  } catch (error) {
    throw unwritable(files.directory, error);
  }
}
