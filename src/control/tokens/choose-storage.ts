import { randomBytes, randomUUID } from 'node:crypto';
import { SidecarError } from '../../errors.js';
import { fileStorage } from './file-storage.js';
import { keyringStorage, NoKeyring, type StorageSources } from './keyring.js';
import { storageKinds, type StorageKind } from './logins.js';
import type { TokenStorage } from './storage.js';

export interface ChosenStorage {
  readonly storage: TokenStorage;
  /** Why it is not the keyring, where nobody has chosen that. */
  readonly noKeyring: { readonly why: 'absent' | 'too small'; readonly reason: string } | undefined;
}

/**
 * Where a new session is to be kept: what SIDECAR_TOKEN_STORAGE says, else the keyring, else, where there is none that takes
 * as much as a session, a file. It is tried, so that a login does not fail after its approval: a keyring that is locked or
 * refuses is an error, because the user has one and would not look for secrets in a file.
 *
 * Throws `login.storage`, `settings.invalid`, and what files throw.
 */
export async function chooseStorage(
  sources: StorageSources & { readonly signal?: AbortSignal | undefined },
): Promise<ChosenStorage> {
  const { env, stateDir, signal } = sources;
  const wanted = wantedKind(env);
  const file = { storage: fileStorage(stateDir), noKeyring: undefined };
  if (wanted !== 'file') {
    const storage = keyringStorage(sources);
    try {
      await tryOut(storage, signal);
      return { storage, noKeyring: undefined };
    } catch (error) {
      const noKeyring = reasonWithout(error);
      if (noKeyring === undefined) throw error;
      if (wanted === 'keyring') throw error instanceof NoKeyring ? asAbsent(error) : error;
      await tryOut(file.storage, signal);
      return { ...file, noKeyring };
    }
  }
  await tryOut(file.storage, signal);
  return file;
}

/** Undefined where there is a keyring that would do, and does not just now. */
function reasonWithout(error: unknown): ChosenStorage['noKeyring'] {
  if (error instanceof NoKeyring) return { why: 'absent', reason: error.message };
  const isSmall = error instanceof SidecarError && error.facts['bytes'] !== undefined;
  return isSmall ? { why: 'too small', reason: String(error.facts['reason']) } : undefined;
}

/** The storage of that kind, for a session that is there already. */
export function storageOf(kind: StorageKind, sources: StorageSources): TokenStorage {
  return kind === 'file' ? fileStorage(sources.stateDir) : presentKeyring(sources);
}

/** A keyring that was there once and is not now is an error: the session is in it. */
function presentKeyring(sources: StorageSources): TokenStorage {
  const storage = keyringStorage(sources);
  const told = (error: unknown): never => {
    throw error instanceof NoKeyring ? asAbsent(error) : error;
  };
  return {
    kind: storage.kind,
    read: (server, signal) => storage.read(server, signal).catch(told),
    write: (server, text, signal) => storage.write(server, text, signal).catch(told),
    remove: (server, signal) => storage.remove(server, signal).catch(told),
  };
}

const asAbsent = ({ message }: NoKeyring): SidecarError =>
  new SidecarError(
    'login.storage',
    { storage: 'keyring', absent: true, reason: `there is none here (${message})` },
    { retryable: false },
  );

/** Sessions are 2 to 6 KB: tokens that say much about their user are long, and there are two. Some keyrings take less. */
const sessionBytes = 8 * 1024;

async function tryOut(storage: TokenStorage, signal: AbortSignal | undefined): Promise<void> {
  const name = `probe-${randomUUID()}`;
  // What does not even take these few bytes has nothing to remove, and asking a locked keyring again would have it ask, too.
  await storage.write(name, name, signal);
  try {
    const text = randomBytes(sessionBytes / 2).toString('hex');
    try {
      await storage.write(name, text, signal);
    } catch (error) {
      // One that was locked meanwhile, or hangs, takes the short one no more, and is not small.
      const isThere = await storage.write(name, name, signal).then(
        () => true,
        () => false,
      );
      throw isThere ? asTooSmall(error) : error;
    }
    if ((await storage.read(name, signal)) !== text) {
      const reason = 'it does not give back what it was given';
      throw new SidecarError('login.storage', { storage: storage.kind, reason }, { retryable: false });
    }
  } catch (error) {
    const removal = storage.remove(name).catch(() => undefined);
    if (signal?.aborted !== true) await removal;
    throw error;
  }
  await storage.remove(name, signal);
}

/** Of a keyring that takes little. */
function asTooSmall(error: unknown): unknown {
  if (!(error instanceof SidecarError) || error.facts['storage'] !== 'keyring') return error;
  const why = String(error.facts['reason']);
  const reason = `it does not keep ${sessionBytes / 1024} KB, which a session may be (${why})`;
  return new SidecarError('login.storage', { ...error.facts, bytes: sessionBytes, reason }, { retryable: false });
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
