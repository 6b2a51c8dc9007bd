import { systemClock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { within } from '../../retry/within.js';
import type { TokenStorage } from './storage.js';

/** One secret in the keyring of the system. */
export interface KeyringEntry {
  getPassword(signal?: AbortSignal): Promise<string | null>;
  setPassword(password: string, signal?: AbortSignal): Promise<void>;
  deletePassword(signal?: AbortSignal): Promise<boolean>;
}

/** Gives the entry of that name, or throws where this machine has no keyring at all. */
export type OpenKeyringEntry = (account: string) => Promise<KeyringEntry>;

/** There is no keyring on this machine, or not in this session. */
export class NoKeyring extends Error {
  override readonly name = 'NoKeyring';
}

/** A keyring that shows a dialogue waits for the user; one that hangs is not waited for. */
const limitMs = 3_000;

/** What sidecar's entries are found by in the programs that show a keyring. */
const service = 'sidecar';

/**
 * The keyring of the system: Secret Service, Keychain, Credential Manager. Of Linux no other is taken: the kernel's, to
 * which the library would fall back, forgets with the next boot.
 */
const systemKeyring: OpenKeyringEntry = async (account) => {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  return new AsyncEntry(service, account, { linux: { store: 'secret-service' } });
};

/** Throws `NoKeyring` where there is none, and `login.storage` where it is locked, or does not do what it is asked. */
export function keyringStorage(open: OpenKeyringEntry = systemKeyring): TokenStorage {
  const withEntry = async <T>(
    server: string,
    work: (entry: KeyringEntry, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const entry = await open(server).catch((cause: unknown) => {
      throw new NoKeyring(messageOf(cause));
    });
    // The signal is heeded before the keyring is asked, and not everywhere while it is.
    const signal = AbortSignal.timeout(limitMs);
    const late = (): Error => new Error(`it does not answer within ${limitMs / 1000} s`);
    try {
      return await within(work(entry, signal), { ms: limitMs, clock: systemClock, late });
    } catch (cause) {
      // The cause stays out of it: nobody knows what a keyring says about a secret.
      throw new SidecarError('login.storage', { storage: 'keyring', reason: messageOf(cause) }, { retryable: false });
    }
  };
  return {
    kind: 'keyring',
    read: (server) => withEntry(server, async (entry, signal) => (await entry.getPassword(signal)) ?? undefined),
    write: (server, text) => withEntry(server, (entry, signal) => entry.setPassword(text, signal)),
    remove: async (server) => {
      await withEntry(server, (entry, signal) => entry.deletePassword(signal));
    },
  };
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
