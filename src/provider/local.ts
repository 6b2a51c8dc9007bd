import { readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import { errorCode, makePrivateDirectory, unwritable, writePrivateFile } from '../files/private-files.js';
import { isName } from '../sidecars/names.js';
import { readStored } from '../sidecars/store.js';
import { accountName } from './local/account.js';
import { freePort } from './local/free-port.js';
import { machineFiles, machineSetup, type MachineFiles, type MachineSetup } from './local/machine.js';
import { removeTree } from './local/remove-tree.js';
import { findServer, startServer, stopServer, type ServerEntry } from './local/server-process.js';
import { removedAfter } from './maybe-applied.js';
import { checkOptions } from './options.js';
import type { Capabilities, Machine, MachineRef, MachineSpec, Provider } from './provider.js';

export interface LocalDeps {
  readonly stateDir: string;
  /** Where the sidecar's commands get the little that they inherit, see local/environment.ts. */
  readonly env: NodeJS.ProcessEnv;
  /** See `localServerEntry`. */
  readonly serverEntry: ServerEntry;
}

const longestBootMs = 24 * 3_600_000;

const localOptions = v.strictObject({
  /** How long a new machine refuses connections, as one that boots does. */
  bootDelayMs: v.optional(
    v.pipe(
      v.number(),
      v.check((ms) => ms >= 0 && ms <= longestBootMs, 'the boot delay must be between 0 seconds and a day'),
    ),
    0,
  ),
});

const capabilities: Capabilities = {
  ...{ idempotentCreate: true, readsLag: false, hostKey: 'given' },
  ...{ start: true, stop: true, authorizeKey: false, connect: false },
};

/** Longer than a start may take, which happens under the lock. */
const lockWait = { waitMs: 30_000 };

/** Makes machines out of a directory and a background process on this computer. */
export function localProvider({ stateDir, env, serverEntry: entry }: LocalDeps): Provider {
  const filesOf = ({ name }: { readonly name: string }): MachineFiles => machineFiles(stateDir, name);
  const describe = async (ref: MachineRef): Promise<Machine | undefined> => {
    const files = filesOf(ref);
    const setup = await readSetup(files);
    return setup?.requestId === ref.requestId ? machineOf(ref.name, files, setup) : undefined;
  };

  return {
    name: 'local',
    place: {},
    capabilities: () => Promise.resolve(capabilities),
    describe,

    create: async (spec, { signal } = {}) => {
      const { name, requestId, image, options } = spec;
      const { bootDelayMs } = checkOptions('local', localOptions, options);
      if (image !== undefined) throw new SidecarError('usage.invalid', { reason: 'local makes nothing of an image' });
      const files = filesOf(spec);
      return underLock(files, async () => {
        signal?.throwIfAborted();
        const before = await readSetup(files);
        if (before !== undefined && before.requestId !== requestId) {
          throw new SidecarError('sidecar.exists', { name, directory: files.directory }, { retryable: false });
        }
        try {
          if (before === undefined) await furnish(files, spec, bootDelayMs);
          await startIfStopped(files, { entry, env });
        } catch (error) {
          throw await removedAfter(error, () => discard(files));
        }
        return (await describe(spec)) ?? filesGone(files);
      });
    },

    list: async function* () {
      for (const name of (await namesIn(join(stateDir, 'local'))).filter(isName)) {
        const files = filesOf({ name });
        const setup = await readSetup(files);
        if (setup !== undefined) yield await machineOf(name, files, setup);
      }
    },

    start: async (ref) => {
      const files = filesOf(ref);
      await underLock(files, async () => {
        if ((await describe(ref)) !== undefined) await startIfStopped(files, { entry, env });
      });
    },

    stop: async (ref) => {
      const files = filesOf(ref);
      await underLock(files, async () => {
        if ((await describe(ref)) !== undefined) await stopServer(files);
      });
    },

    delete: async (ref) => {
      const files = filesOf(ref);
      await underLock(files, async () => {
        // What has no setup is what a creation that was cut off has left.
        const setup = await readSetup(files).catch(() => undefined);
        if (setup === undefined || setup.requestId === ref.requestId) await discard(files);
      });
    },
  };
}

const readSetup = (files: MachineFiles): Promise<MachineSetup | undefined> => readStored(files.setup, machineSetup);

async function machineOf(name: string, files: MachineFiles, setup: MachineSetup): Promise<Machine> {
  const { requestId, hostKey } = setup;
  const server = await findServer(files);
  const machine = { id: name, name, requestId };
  if (server === undefined) return { ...machine, state: 'stopped' };
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port: server.port } as const;
  return { ...machine, state: 'running', ssh: { endpoint, user: accountName(), hostKeys: [hostKey] } };
}

/**
 * Ends a machine that nobody has on their list any more, and makes room for another of its name. Returns where its files
 * are from then on. Throws `provider.failed`, `state.unwritable`.
 */
export async function setAside(stateDir: string, name: string): Promise<string> {
  const files = machineFiles(stateDir, name);
  const directory = `${files.directory}.forgotten-${Date.now()}`;
  await underLock(files, async () => {
    await stopServer(files);
    await rename(files.directory, directory).catch((error: unknown) => {
      throw unwritable(files.directory, error);
    });
  });
  return directory;
}

/** Nobody else starts, ends or removes the machine meanwhile. */
async function underLock<T>(files: MachineFiles, action: () => Promise<T>): Promise<T> {
  await makePrivateDirectory(dirname(files.directory));
  return withLock(files.directory, action, lockWait);
}

/** The caller holds the lock. */
async function startIfStopped(files: MachineFiles, start: Parameters<typeof startServer>[1]): Promise<void> {
  if ((await findServer(files)) === undefined) await startServer(files, start);
}

async function furnish(files: MachineFiles, spec: MachineSpec, bootDelayMs: number): Promise<void> {
  await discard(files); // what an earlier creation may have left when it was cut off
  const { requestId, hostKey, authorizedKeys } = spec;
  const bootsAt = new Date(Date.now() + bootDelayMs).toISOString();
  const setup: MachineSetup = { requestId, hostKey: hostKey.publicKey, port: await freePort(), bootsAt };
  await makePrivateDirectory(files.home);
  await writePrivateFile(files.hostKey, hostKey.privateKey);
  await writePrivateFile(files.authorizedKeys, `${authorizedKeys.join('\n')}\n`);
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

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw unwritable(directory, error);
  }
}

function filesGone({ directory }: MachineFiles): never {
  throw new SidecarError('provider.failed', { reason: `its files in ${directory} are gone` }, { retryable: false });
}
