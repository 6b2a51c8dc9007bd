import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { Store } from '../../sidecars/store.js';

export const storageKinds = ['keyring', 'file'] as const;

/** Where a session is kept. */
export type StorageKind = (typeof storageKinds)[number];

/** What is known of a session without its secrets. */
export interface Login {
  readonly storage: StorageKind;
  /** A renewal was asked for, and nobody knows yet whether it was answered. */
  readonly renewing?: boolean | undefined;
}

const loginsFile = v.strictObject({
  version: v.literal(1),
  /** Server → where its session is kept. */
  servers: v.record(
    v.string(),
    v.strictObject({ storage: v.picklist(storageKinds), renewing: v.optional(v.boolean()) }),
  ),
});

/** The control planes that there is a session with. Throws what a store throws. */
export class Logins {
  readonly #store: Store<v.InferOutput<typeof loginsFile>>;

  constructor(stateDir: string) {
    this.#store = new Store({
      path: join(stateDir, 'logins.json'),
      schema: loginsFile,
      initial: { version: 1, servers: {} },
    });
  }

  async servers(): Promise<readonly string[]> {
    return Object.keys((await this.#store.read()).servers);
  }

  async get(server: string): Promise<Login | undefined> {
    const { servers } = await this.#store.read();
    return Object.hasOwn(servers, server) ? servers[server] : undefined;
  }

  async set(server: string, login: Login): Promise<void> {
    await this.#store.update((current) => ({ ...current, servers: { ...current.servers, [server]: login } }));
  }

  async remove(server: string): Promise<void> {
    await this.#store.update((current) => {
      const left = Object.entries(current.servers).filter(([each]) => each !== server);
      return { ...current, servers: Object.fromEntries(left) };
    });
  }
}

/** A name for files about a server: an address holds what no file name can. */
export function fileNameOf(server: string): string {
  return createHash('sha256').update(server).digest('hex').slice(0, 16);
}
