import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { createPolicy } from '../retry/policy.js';
import { RetriesExhausted, retry } from '../retry/retry.js';
import type { MadeRecord, SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import { generateKeyPair } from '../transport/key-pair.js';
import { within } from '../retry/within.js';
import { refOf } from './made.js';
import { dropMachineKey, keepMachineKey } from './machine-keys.js';
import type { Capabilities, Machine, MachineSpec, Provider, ProviderOptions } from './provider.js';

export interface CreateRequest {
  readonly name: string;
  readonly image?: string | undefined;
  readonly workdir?: string | undefined;
  readonly options?: ProviderOptions;
}

export interface CreateDeps {
  readonly provider: Provider;
  readonly registry: Registry;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has a provider make a machine, and registers it: before anything is asked of the provider, so that a machine that was
 * made is on the list whatever happens next. Does not wait for it to boot.
 *
 * Where nobody can tell whether a machine was made, the sidecar stays on the list, which `provider.uncertain` tells, and
 * `delete` ends what there may be. Otherwise a creation that fails leaves nothing.
 *
 * Throws `sidecar.exists`, `usage.invalid`, `state.*`, what the provider throws, or the signal's reason.
 */
export async function createMachine(request: CreateRequest, deps: CreateDeps): Promise<SidecarRecord> {
  const { provider, registry, stateDir, emit, signal } = deps;
  const { name, image, workdir, options = {} } = request;
  signal?.throwIfAborted();
  const [hostKey, login] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const requestId = randomUUID();
  const made: MadeRecord = { kind: 'made', by: provider.name, requestId, place: provider.place };
  const record: SidecarRecord = {
    ...{ name, createdAt: new Date().toISOString(), hostKeys: [], provider: made },
    ...(workdir === undefined ? {} : { workdir }),
  };
  const spec: MachineSpec = { ...{ name, requestId, image, hostKey, options }, authorizedKeys: [login.publicKey] };

  await registry.add(record);
  const creation: Creation = { ...deps, spec, uncertain: false };
  try {
    await keepMachineKey(stateDir, requestId, login.privateKey);
    const capabilities = await provider.capabilities({ signal });
    const machine = await makeSurely(creation, capabilities);
    const hostKeys = capabilities.hostKey === 'given' ? [hostKey.publicKey] : (machine.ssh?.hostKeys ?? []);
    return await registry.update(name, (current) => ({
      ...current,
      ...(workdir === undefined && machine.workdir !== undefined ? { workdir: machine.workdir } : {}),
      ...{ hostKeys: [...hostKeys], provider: { ...made, id: machine.id } },
    }));
  } catch (error) {
    if (creation.uncertain) emit({ kind: 'provider.uncertain', name });
    else {
      await registry.remove(name, record);
      await dropMachineKey(stateDir, requestId);
    }
    throw error;
  }
}

interface Creation extends CreateDeps {
  readonly spec: MachineSpec;
  /** Whether there may be a machine by now. */
  uncertain: boolean;
}

/** Never repeats what may have been done without having looked, nor where two machines could come of it. */
async function makeSurely(creation: Creation, { idempotentCreate, readsLag }: Capabilities): Promise<Machine> {
  const { provider, spec, clock, emit, signal } = creation;
  const { name } = spec;
  const progress = (line: string): void => emit({ kind: 'provider.progress', name, line });
  const make = async (): Promise<Machine> => {
    creation.uncertain = true; // until it is known better, also where this process is told to leave
    try {
      return await provider.create(spec, { signal, progress });
    } catch (error) {
      if (signal?.aborted !== true && !mayBeApplied(error)) {
        creation.uncertain = false;
        throw error;
      }
      const found = await lookFor(creation);
      if (found !== undefined && signal?.aborted !== true) return found;
      creation.uncertain = found !== undefined || readsLag;
      signal?.throwIfAborted();
      throw idempotentCreate ? error : unrepeatable(error);
    }
  };
  try {
    return (await retry(make, { policy: createPolicy, clock, signal })).value;
  } catch (error) {
    throw error instanceof RetriesExhausted ? error.cause : error;
  }
}

/** What was not said by a provider, says nothing of what was done. */
function mayBeApplied(error: unknown): boolean {
  return !(error instanceof SidecarError) || error.facts['maybeApplied'] === true;
}

const lookMs = 10_000;

/** Looks whether there is a machine, whoever wants to leave meanwhile. Throws where that cannot be found out. */
async function lookFor({ provider, spec, clock, signal }: Creation): Promise<Machine | undefined> {
  const late = (): Error => new SidecarError('provider.failed', { reason: 'it does not say whether it was made' });
  try {
    return await within(provider.describe(refOf(spec)), { ms: lookMs, clock, late });
  } catch (error) {
    signal?.throwIfAborted();
    throw unrepeatable(error);
  }
}

function unrepeatable(error: unknown): unknown {
  if (!(error instanceof SidecarError)) return error;
  return new SidecarError(error.code, error.facts, { cause: error.cause, retryable: false });
}
