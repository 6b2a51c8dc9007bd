import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { within } from '../../retry/within.js';
import type { KeyringRequest } from './keyring-messages.js';
import type { TokenStorage } from './storage.js';

/** One secret in the keyring of the system. It is asked one thing. Throws `NoKeyring`, and anything else. */
export interface KeyringEntry {
  getPassword(): Promise<string | undefined>;
  setPassword(password: string): Promise<void>;
  deletePassword(): Promise<void>;
  /** Ends what it is asked. */
  close(): void;
}

/** Gives the entry of that name, without having asked the keyring anything. */
export type OpenKeyringEntry = (account: string) => Promise<KeyringEntry>;

/** There is no keyring on this machine, or not in this session. */
export class NoKeyring extends Error {
  override readonly name = 'NoKeyring';
}

/** A keyring that shows a dialogue waits for the user; one that hangs is not waited for. */
const limitMs = 3_000;

/** Starting its process takes a fraction of a second, on a busy machine a few. */
const startMs = 20_000;

/** What sidecar's entries are found by in the programs that show a keyring. */
const service = 'sidecar';

/** The keyring of the system, Secret Service, Keychain or Credential Manager, by a process of its own. */
function systemKeyring(env: NodeJS.ProcessEnv): OpenKeyringEntry {
  return async (account) => {
    const { KeyringProcess } = await import('./keyring-process.js');
    const keyring = await KeyringProcess.start(env);
    const ask = async (request: Pick<KeyringRequest, 'call' | 'secret'>): Promise<string | undefined> => {
      const answer = await keyring.ask({ service, account, ...request });
      if (answer.kind === 'done') return answer.secret;
      if (answer.kind === 'absent') throw new NoKeyring(answer.reason);
      throw new Error(answer.kind === 'failed' ? answer.reason : 'its process started twice');
    };
    return {
      getPassword: () => ask({ call: 'get' }),
      setPassword: async (secret) => {
        await ask({ call: 'set', secret });
      },
      deletePassword: async () => {
        await ask({ call: 'delete' });
      },
      close: () => keyring.close(),
    };
  };
}

/** What storage is found by. */
export interface StorageSources {
  readonly stateDir: string;
  /** Where the keyring is found. */
  readonly env: NodeJS.ProcessEnv;
  /** Default: that of the system. */
  readonly openKeyring?: OpenKeyringEntry | undefined;
}

/** Throws `NoKeyring` where there is none, and `login.storage` where it is locked, or does not do what it is asked. */
export function keyringStorage({ env, stateDir, openKeyring = systemKeyring(env) }: StorageSources): TokenStorage {
  const withEntry = async <T>(
    server: string,
    work: (entry: KeyringEntry) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const opening = openKeyring(await accountOf(server, stateDir));
    const waiting = { clock: systemClock, signal };
    try {
      const entry = await within(opening, { ...waiting, ms: startMs, late: () => late(startMs) });
      return await within(work(entry), { ...waiting, ms: limitMs, late: () => late(limitMs) });
    } catch (cause) {
      if (signal?.aborted === true) throw signal.reason;
      if (cause instanceof NoKeyring) throw cause;
      // The cause stays out of it: nobody knows what a keyring says about a secret.
      throw new SidecarError('login.storage', { storage: 'keyring', reason: messageOf(cause) }, { retryable: false });
    } finally {
      opening.then(
        (entry) => entry.close(),
        () => undefined,
      );
    }
  };
  return {
    kind: 'keyring',
    read: (server, signal) => withEntry(server, (entry) => entry.getPassword(), signal),
    write: (server, text, signal) => withEntry(server, (entry) => entry.setPassword(text), signal),
    remove: (server, signal) => withEntry(server, (entry) => entry.deletePassword(), signal),
  };
}

/**
 * What the entry of a server is called. Another state directory has a session of its own, and so an entry: `https://… (state
 * 1a2b3c4d)`.
 */
async function accountOf(server: string, stateDir: string): Promise<string> {
  const path = await realpath(stateDir).catch(() => resolve(stateDir));
  return `${server} (state ${createHash('sha256').update(path).digest('hex').slice(0, 8)})`;
}

const late = (ms: number): Error => new Error(`it does not answer within ${ms / 1000} s`);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
