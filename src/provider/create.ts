import { randomUUID } from 'node:crypto';
import type { SidecarRecord } from '../sidecars/record.js';
import { generateKeyPair, type KeyPair } from '../transport/key-pair.js';
import { askedForAt } from './age.js';
import { isUnknown, noteAsked, type CreateDeps, type Creation } from './creation.js';
import { endUnwanted } from './deleted-meanwhile.js';
import { withMachine } from './made.js';
import { dropMachineKey, keepMachineKey } from './machine-keys.js';
import { makeSurely } from './make-surely.js';
import type { Machine, MachineSpec, Provider, ProviderOptions } from './provider.js';

export interface CreateRequest {
  readonly name: string;
  readonly image?: string | undefined;
  readonly workdir?: string | undefined;
  readonly options?: ProviderOptions;
}

/**
 * Has a provider make a machine, and registers it: before anything is asked for, so that a machine that was made is on the
 * list whatever happens next. Does not wait for it to boot.
 *
 * Where nobody can tell whether a machine was made, the sidecar stays on the list, which `provider.uncertain` tells, and
 * `delete` ends what there may be. Otherwise a creation that fails leaves nothing. Of a sidecar that is deleted meanwhile, the
 * machine is ended too; where that fails it is on the list again, which is told in the same way.
 *
 * Throws `sidecar.exists`, `usage.invalid`, `state.*`, what the provider throws, or the signal's reason.
 */
export async function createMachine(request: CreateRequest, deps: CreateDeps): Promise<SidecarRecord> {
  const { provider, registry, stateDir, emit, signal, timeOfDay = Date.now } = deps;
  const { name, image, workdir, options = {} } = request;
  signal?.throwIfAborted();
  const [hostKey, login, capabilities] = await Promise.all([
    generateKeyPair(),
    loginTo(provider, signal),
    provider.capabilities({ signal }),
  ]);
  const requestId = randomUUID();
  const record: SidecarRecord = {
    ...{ name, createdAt: new Date(timeOfDay()).toISOString() },
    // From the beginning: whoever finds the machine before this has ended must not have to trust it.
    hostKeys: capabilities.hostKey === 'given' ? [hostKey.publicKey] : [],
    provider: { kind: 'made', by: provider.name, requestId, place: provider.place },
    ...(workdir === undefined ? {} : { workdir }),
  };
  const spec: MachineSpec = { ...{ name, requestId, image, hostKey, options }, authorizedKeys: [login.publicKey] };

  await registry.add(record);
  const creation: Creation = { ...deps, timeOfDay, record, spec, capabilities, uncertain: false };
  let machine: Machine;
  try {
    if (login.privateKey !== undefined) await keepMachineKey(stateDir, requestId, login.privateKey);
    machine = await makeSurely(creation);
  } catch (error) {
    // What went wrong first is what is told.
    if (!creation.uncertain)
      await Promise.allSettled([registry.remove(name, record), dropMachineKey(stateDir, requestId)]);
    else if (await noteAsked(creation)) emit({ kind: 'provider.uncertain', name });
    else return endUnwanted(creation);
    throw error;
  }
  return keep(machine, creation);
}

/** Who is let in to a machine. Without a private half here, its provider keeps that. */
async function loginTo(
  { loginKey }: Provider,
  signal: AbortSignal | undefined,
): Promise<Pick<KeyPair, 'publicKey'> & Partial<KeyPair>> {
  return loginKey === undefined ? generateKeyPair() : { publicKey: await loginKey.letIn({ signal }) };
}

/** Adds what is known of the machine now to its record. Where that was deleted meanwhile, so is the machine. */
async function keep(machine: Machine, creation: Creation): Promise<SidecarRecord> {
  const { registry, record, timeOfDay } = creation;
  const change = (current: SidecarRecord): SidecarRecord =>
    askedForAt(withWorkdir(withMachine(current, machine), machine), timeOfDay);
  const known = await registry.update(record.name, change, record).catch((error: unknown) => {
    if (isUnknown(error)) return undefined;
    throw error;
  });
  return known ?? endUnwanted(creation, machine);
}

function withWorkdir(record: SidecarRecord, { workdir }: Machine): SidecarRecord {
  return record.workdir === undefined && workdir !== undefined ? { ...record, workdir } : record;
}
