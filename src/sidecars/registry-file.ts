import { join } from 'node:path';
import * as v from 'valibot';
import { isHost, isUser } from '../transport/destination.js';
import { registryFileName } from './name-list.js';
import { isName } from './names.js';
import { sidecarRecord, type SidecarRecord } from './record.js';
import { Store } from './store.js';

/**
 * The sidecars and what is selected where, in one file: forgetting a sidecar and its selections is then one write, and
 * no reader sees a selection of a sidecar that is gone.
 */
const registryFile = v.strictObject({
  version: v.literal(1),
  sidecars: v.pipe(
    v.array(v.pipe(sidecarRecord, v.check(isHarmless))),
    v.check((records) => new Set(records.map((record) => record.name)).size === records.length),
  ),
  /** Working tree root → name of the sidecar in use there. */
  current: v.record(v.string(), v.string()),
});

/** A name becomes part of paths, a destination part of a command line: an edited file is checked as typed text is. */
function isHarmless({ name, provider }: SidecarRecord): boolean {
  if (!isName(name)) return false;
  if (provider.kind === 'made') return isRequestId(provider.requestId);
  return [provider, ...(provider.jump ?? [])].every(
    ({ host, user }) => isHost(host) && (user === undefined || isUser(user)),
  );
}

/** It names a file, see provider/machine-keys.ts. */
function isRequestId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}

export type RegistryFile = v.InferOutput<typeof registryFile>;

export type RegistryStore = Store<RegistryFile>;

export function registryStore(stateDir: string): RegistryStore {
  return new Store<RegistryFile>({
    path: join(stateDir, registryFileName),
    schema: registryFile,
    initial: { version: 1, sidecars: [], current: {} },
  });
}
