import { join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../../errors.js';
import { withLock } from '../../files/lock.js';
import { makePrivateDirectory } from '../../files/private-files.js';
import { account, type Tokens } from '../oauth/tokens.js';
import { storageOf } from './choose-storage.js';
import type { StorageSources } from './keyring.js';
import { fileNameOf, Logins, type Login } from './logins.js';
import type { TokenStorage } from './storage.js';

const sessionText = v.object({
  version: v.literal(1),
  server: v.string(),
  issuer: v.string(),
  accessToken: v.string(),
  refreshToken: v.optional(v.string()),
  expiresAt: v.optional(v.number()),
  account: v.optional(account),
});

/** A login that lasts: its tokens, and whose they are. */
export interface Session extends Tokens {
  readonly issuer: string;
}

/** A session, where it is kept, and what else is known of it. */
export interface KeptSession extends Login {
  readonly session: Session;
}

/** Longer than a renewal takes: the other process that holds the lock is at one. */
const lockWaitMs = 120_000;

/** The sessions of this user, one for each control plane. */
export class Sessions {
  readonly logins: Logins;
  readonly #sources: StorageSources;

  constructor(sources: StorageSources) {
    this.#sources = sources;
    this.logins = new Logins(sources.stateDir);
  }

  /** Undefined where there is none. Throws `login.storage`, `state.corrupt`, and what files throw. */
  async read(server: string, signal?: AbortSignal): Promise<KeptSession | undefined> {
    const login = await this.logins.get(server);
    if (login === undefined) return undefined;
    const text = await this.#storage(login).read(server, signal);
    return text === undefined ? undefined : { ...login, session: parse(server, text) };
  }

  /** Only under the lock of the server. The secrets first: what is listed is there. */
  async keep(server: string, session: Session, storage: TokenStorage): Promise<void> {
    const before = await this.logins.get(server);
    await storage.write(server, JSON.stringify({ version: 1, server, ...session }));
    await this.logins.set(server, { storage: storage.kind });
    if (before === undefined || before.storage === storage.kind) return;
    // Mostly it is kept elsewhere because that cannot be used.
    await this.#storage(before)
      .remove(server)
      .catch(() => undefined);
  }

  /**
   * Keeps it where it is kept already. Where it is listed no more, the user may have logged out since, which nothing tells
   * from a session that another process took for over: nobody is logged in again who wanted to be out.
   */
  async replace(server: string, session: Session): Promise<void> {
    const login = await this.logins.get(server);
    if (login !== undefined) await this.keep(server, session, this.#storage(login));
  }

  /** Remembers that a renewal is under way, until the session is kept again. Only under the lock. */
  async markRenewing(server: string, renewing: boolean): Promise<void> {
    const login = await this.logins.get(server);
    if (login !== undefined) await this.logins.set(server, { storage: login.storage, ...(renewing && { renewing }) });
  }

  /** Only under the lock. The secrets first here too: what cannot be removed stays on the list. */
  async drop(server: string, signal?: AbortSignal): Promise<void> {
    const login = await this.logins.get(server);
    if (login === undefined) return;
    await this.#storage(login).remove(server, signal);
    await this.logins.remove(server);
  }

  /** Whoever changes the session of a server does it in here. Not reentrant. */
  async locked<T>(server: string, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { stateDir } = this.#sources;
    const directory = join(stateDir, 'tokens');
    await makePrivateDirectory(directory);
    return withLock(join(directory, fileNameOf(server)), action, { waitMs: lockWaitMs, signal });
  }

  #storage({ storage }: Login): TokenStorage {
    return storageOf(storage, this.#sources);
  }
}

function parse(server: string, text: string): Session {
  const unusable = (): SidecarError =>
    new SidecarError('login.storage', { server, reason: 'what it holds is not as expected' }, { retryable: false });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unusable();
  }
  const checked = v.safeParse(sessionText, content);
  if (!checked.success || checked.output.server !== server) throw unusable();
  const { issuer, accessToken, refreshToken, expiresAt, account: who } = checked.output;
  return { issuer, accessToken, refreshToken, expiresAt, account: who };
}
