import { randomUUID } from 'node:crypto';
import { SidecarError } from '../../errors.js';
import { fileStorage } from './file-storage.js';
import { keyringStorage, NoKeyring, type OpenKeyringEntry } from './keyring.js';
import { storageKinds, type StorageKind } from './logins.js';
import type { TokenStorage } from './storage.js';

export interface StorageSources {
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** Default: that of the system. */
  readonly openKeyring?: OpenKeyringEntry | undefined;
}

export interface ChosenStorage {
  readonly storage: TokenStorage;
  /** Why it is not the keyring, where nobody has chosen that. */
  readonly noKeyring: string | undefined;
}

/**
 * Where a new session is to be kept: what SIDECAR_TOKEN_STORAGE says, else the keyring, else, where there is none, a file.
 * It is tried, so that a login does not fail after its approval: a keyring that is locked or refuses is an error, because
 * the user has one and would not look for secrets in a file.
 *
 * Throws `login.storage`, `settings.invalid`, and what files throw.
 */
export async function chooseStorage({ env, stateDir, openKeyring }: StorageSources): Promise<ChosenStorage> {
  const wanted = wantedKind(env);
  const file = { storage: fileStorage(stateDir), noKeyring: undefined };
  if (wanted !== 'file') {
    const storage = keyringStorage(openKeyring);
    try {
      await tryOut(storage);
      return { storage, noKeyring: undefined };
    } catch (error) {
      if (!(error instanceof NoKeyring)) throw error;
      if (wanted === 'keyring') throw asAbsent(error);
      await tryOut(file.storage);
      return { ...file, noKeyring: error.message };
    }
  }
  await tryOut(file.storage);
  return file;
}

/** The storage of that kind, for a session that is there already. */
export function storageOf(kind: StorageKind, { stateDir, openKeyring }: Omit<StorageSources, 'env'>): TokenStorage {
  return kind === 'file' ? fileStorage(stateDir) : presentKeyring(openKeyring);
}

/** A keyring that was there once and is not now is an error: the session is in it. */
function presentKeyring(openKeyring: OpenKeyringEntry | undefined): TokenStorage {
  const storage = keyringStorage(openKeyring);
  const told = (error: unknown): never => {
    throw error instanceof NoKeyring ? asAbsent(error) : error;
  };
  return {
    kind: storage.kind,
    read: (server) => storage.read(server).catch(told),
    write: (server, text) => storage.write(server, text).catch(told),
    remove: (server) => storage.remove(server).catch(told),
  };
}

const asAbsent = ({ message }: NoKeyring): SidecarError =>
  new SidecarError(
    'login.storage',
    { storage: 'keyring', absent: true, reason: `there is none here (${message})` },
    { retryable: false },
  );

async function tryOut(storage: TokenStorage): Promise<void> {
  const name = `probe-${randomUUID()}`;
  const text = randomUUID();
  await storage.write(name, text);
  try {
    if ((await storage.read(name)) === text) return;
    const reason = 'it does not give back what it was given';
    throw new SidecarError('login.storage', { storage: storage.kind, reason }, { retryable: false });
  } finally {
    await storage.remove(name);
  }
}

/** What SIDECAR_TOKEN_STORAGE says. Throws `settings.invalid`. */
export function wantedKind(env: NodeJS.ProcessEnv): StorageKind | undefined {
  const variable = 'SIDECAR_TOKEN_STORAGE';
  const text = env[variable] ?? '';
  if (text === '') return undefined;
  const kind = storageKinds.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new SidecarError('settings.invalid', { variable, reason: `${variable} must be ${storageKinds.join(' or ')}` });
}
