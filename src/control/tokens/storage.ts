import type { StorageKind } from './logins.js';

/**
 * Where the secrets of sessions are kept, by server. `read` gives undefined where there is none, `remove` may be called
 * where there is none. Throws `login.storage`, and what files throw.
 */
export interface TokenStorage {
  readonly kind: StorageKind;
  read(server: string): Promise<string | undefined>;
  write(server: string, text: string): Promise<void>;
  remove(server: string): Promise<void>;
}
