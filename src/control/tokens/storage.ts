import type { StorageKind } from './logins.js';

/**
 * Where the secrets of sessions are kept, by server. `read` gives undefined where there is none, `remove` may be called
 * where there is none. An abort ends the wait at once: what was asked for may be done all the same. Throws `login.storage`,
 * what files throw, and the signal's reason.
 */
export interface TokenStorage {
  readonly kind: StorageKind;
  read(server: string, signal?: AbortSignal): Promise<string | undefined>;
  write(server: string, text: string, signal?: AbortSignal): Promise<void>;
  remove(server: string, signal?: AbortSignal): Promise<void>;
}
