import { SidecarError } from '../errors.js';
import type * as PublicKeys from '../transport/public-key.js';
import type { HostKeyLine } from '../transport/target.js';
import { checkName } from './names.js';
import type { SidecarRecord } from './record.js';
import type { RegistryFile, RegistryStore } from './registry-file.js';

/** The sidecars that this user knows on this machine. Every method may also throw the `state.*` errors of `Store`. */
export class Registry {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** All of them, by name. */
  async list(): Promise<readonly SidecarRecord[]> {
    return (await this.#store.read()).sidecars.toSorted(byName);
  }

  /** Throws `sidecar.unknown`. */
  async get(name: string): Promise<SidecarRecord> {
    return find(await this.#store.read(), name);
  }

  /** The same sidecar as it is now. Undefined where it is off the list. */
  async current(record: SidecarRecord): Promise<SidecarRecord | undefined> {
    return (await this.#store.read()).sidecars.find((each) => isSame(each, record));
  }

  /** Throws `sidecar.exists`, and `usage.invalid` for a name that no sidecar may have. */
  async add(record: SidecarRecord): Promise<void> {
    checkName(record.name);
    await this.#store.update((file) => {
      if (file.sidecars.some(({ name }) => name === record.name)) {
        throw new SidecarError('sidecar.exists', { name: record.name });
      }
      return { ...file, sidecars: [...file.sidecars, record] };
    });
  }

  /**
   * Replaces a record by `change(record)` and returns the new one. The name stays. Of `only`, where it is given, and not of
   * a later one of its name: that is another machine. Throws `sidecar.unknown`.
   */
  async update(
    name: string,
    change: (record: SidecarRecord) => SidecarRecord,
    only?: SidecarRecord,
  ): Promise<SidecarRecord> {
    const file = await this.#store.update((current) => {
      const record = find(current, name, only);
      const changed = change(record);
      if (changed === record) return current;
      const next = { ...changed, name };
      return { ...current, sidecars: current.sidecars.map((each) => (each === record ? next : each)) };
    });
    return find(file, name);
  }

  /**
   * Forgets a sidecar, and every selection of it. Of `only`, where it is given, and not of a later one of its name: that
   * is somebody else's. With `unless`, it stays where that is true of it now. Throws `sidecar.unknown`.
   */
  async remove(name: string, only?: SidecarRecord, unless?: (now: SidecarRecord) => boolean): Promise<void> {
    await this.#store.update((file) => {
      const gone = find(file, name, only);
      if (unless?.(gone) === true) return file;
      return {
        ...file,
        sidecars: file.sidecars.filter((record) => record !== gone),
        current: Object.fromEntries(Object.entries(file.current).filter(([, selected]) => selected !== name)),
      };
    });
  }

  /**
   * Remembers the key that a sidecar showed, or a `hop` on the way to it, when none was known. Pinning a key twice is fine.
   * When a different one was pinned in the meantime, by another process that also met it for the first time, only one of
   * the two talked to the right machine: throws `ssh.host_key_changed` and keeps what is there. `only` as in `update`.
   */
  async pin(name: string, hostKey: HostKeyLine, { only, hop }: PinOptions = {}): Promise<SidecarRecord> {
    const keys = await import('../transport/public-key.js');
    const change = (record: SidecarRecord): SidecarRecord => {
      const pinned = hop === undefined ? record.hostKeys : (record.hopKeys?.[hop] ?? []);
      if (pinned.includes(hostKey)) return record;
      if (pinned.length > 0) throw pinnedAnother({ host: hop ?? name, pinned, hostKey }, keys);
      if (hop === undefined) return { ...record, hostKeys: [hostKey] };
      return { ...record, hopKeys: { ...record.hopKeys, [hop]: [hostKey] } };
    };
    return this.update(name, change, only);
  }
}

interface PinOptions {
  readonly only?: SidecarRecord | undefined;
  /** By its `hostKeyName`. */
  readonly hop?: string | undefined;
}

function find(file: RegistryFile, name: string, only?: SidecarRecord): SidecarRecord {
  const record = file.sidecars.find((each) => each.name === name && (only === undefined || isSame(each, only)));
  return record ?? unknown(name, knownNames(file));
}

function unknown(name: string, known: readonly string[]): never {
  throw new SidecarError('sidecar.unknown', { name, known });
}

/** Names are used again. The instant of its registration tells a sidecar from a later one of its name, and the request. */
function isSame(one: SidecarRecord, other: SidecarRecord): boolean {
  return one.name === other.name && one.createdAt === other.createdAt && requestOf(one) === requestOf(other);
}

function requestOf({ provider }: SidecarRecord): string | undefined {
  return provider.kind === 'made' ? provider.requestId : undefined;
}

/** For errors that list what could have been meant. */
export function knownNames(file: RegistryFile): string[] {
  return file.sidecars.map(({ name }) => name).toSorted();
}

function byName(a: SidecarRecord, b: SidecarRecord): number {
  return a.name < b.name ? -1 : 1;
}

function pinnedAnother(
  {
    host,
    pinned,
    hostKey,
  }: { readonly host: string; readonly pinned: readonly string[]; readonly hostKey: HostKeyLine },
  keys: typeof PublicKeys,
): SidecarError {
  const fingerprintOf = (line: string): string => {
    const key = keys.parsePublicKey(line);
    return key === undefined ? 'unreadable' : keys.fingerprint(key.blob);
  };
  const keyType = keys.parsePublicKey(hostKey)?.type ?? 'unknown';
  const expected = pinned.map(fingerprintOf);
  return new SidecarError(
    'ssh.host_key_changed',
    { host, keyType, actual: fingerprintOf(hostKey), expected, source: 'pin' },
    { retryable: false },
  );
}
