import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { RetryPolicy } from '../retry/policy.js';
import { restMs } from '../retry/rest.js';
import { RetriesExhausted, retry } from '../retry/retry.js';
import { madeBy, type SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import { generateKeyPair } from '../transport/key-pair.js';
import { within } from '../retry/within.js';
import { askedForAt } from './age.js';
import { refOf, withMachine } from './made.js';
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
  /** In milliseconds since 1970. Default: the system's. */
  readonly timeOfDay?: (() => number) | undefined;
}

/**
 * Has a provider make a machine, and registers it: before anything is asked for, so that a machine that was made is on the
 * list whatever happens next. Does not wait for it to boot.
 *
 * Where nobody can tell whether a machine was made, the sidecar stays on the list, which `provider.uncertain` tells, and
 * `delete` ends what there may be. Otherwise a creation that fails leaves nothing.
 *
 * Throws `sidecar.exists`, `usage.invalid`, `state.*`, what the provider throws, or the signal's reason.
 */
export async function createMachine(request: CreateRequest, deps: CreateDeps): Promise<SidecarRecord> {
  const { provider, registry, stateDir, emit, signal, timeOfDay = Date.now } = deps;
  const { name, image, workdir, options = {} } = request;
  signal?.throwIfAborted();
  const [hostKey, login, capabilities] = await Promise.all([
    generateKeyPair(),
    generateKeyPair(),
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
    await keepMachineKey(stateDir, requestId, login.privateKey);
    machine = await makeSurely(creation);
  } catch (error) {
    // What went wrong first is what is told.
    if (creation.uncertain) {
      await noteAsked(creation);
      emit({ kind: 'provider.uncertain', name });
    } else await Promise.allSettled([registry.remove(name, record), dropMachineKey(stateDir, requestId)]);
    throw error;
  }
  return keep(machine, creation);
}

/** Adds what is known of the machine now to its record. Where that was deleted meanwhile, so is the machine. */
async function keep(machine: Machine, creation: Creation): Promise<SidecarRecord> {
  const { provider, registry, stateDir, record, timeOfDay } = creation;
  const { name } = record;
  const change = (current: SidecarRecord): SidecarRecord =>
    askedForAt(withWorkdir(withMachine(current, machine), machine), timeOfDay);
  const known = await registry.update(name, change, record).catch((error: unknown) => {
    if (error instanceof SidecarError && error.code === 'sidecar.unknown') return undefined;
    throw error;
  });
  if (known !== undefined) return known;
  const { requestId } = madeBy(record);
  await provider.delete(refOf({ name, requestId, id: machine.id }));
  await dropMachineKey(stateDir, requestId);
  const reason = 'the sidecar was deleted while its machine was being made, and so was the machine';
  throw new SidecarError('provider.failed', { name, reason }, { retryable: false });
}

function withWorkdir(record: SidecarRecord, { workdir }: Machine): SidecarRecord {
  return record.workdir === undefined && workdir !== undefined ? { ...record, workdir } : record;
}

/** How the making of a machine is repeated, where that is safe: after 1, 2 and 4 s. */
const createPolicy: RetryPolicy = {
  ...{ firstDelayMs: 1_000, factor: 2, maxDelayMs: 4_000 },
  ...{ maxAttempts: 4, deadlineMs: Infinity },
};

/** The longest that a provider may ask to be left alone, in milliseconds. */
const longestRestMs = 60_000;

interface Creation extends CreateDeps {
  readonly record: SidecarRecord;
  readonly timeOfDay: () => number;
  readonly spec: MachineSpec;
  readonly capabilities: Capabilities;
  /** Whether there may be a machine by now. */
  uncertain: boolean;
  /** What the last attempt failed with. */
  failure?: unknown;
}

/** Never repeats what may have been done, where two machines could come of it. */
async function makeSurely(creation: Creation): Promise<Machine> {
  const { provider, spec, clock, emit, signal } = creation;
  const { idempotentCreate } = creation.capabilities;
  const { name } = spec;
  const progress = (line: string): void => emit({ kind: 'provider.progress', name, line });
  const make = async (attempt: number): Promise<Machine> => {
    if (attempt > 1) await noteAsked(creation);
    const { uncertain: wasUncertain } = creation;
    creation.uncertain = true; // until it is known better, also where this process is told to leave
    try {
      return await provider.create(spec, { signal, progress });
    } catch (error) {
      creation.failure = error;
      if (signal?.aborted === true || mayBeApplied(error)) throw idempotentCreate ? error : unrepeatable(error);
      creation.uncertain = wasUncertain;
      throw error;
    }
  };
  try {
    return (await retry(make, { policy: createPolicy, clock, signal, restMs: tolerableRestMs })).value;
  } catch (thrown) {
    const error = thrown instanceof RetriesExhausted ? thrown.cause : thrown;
    // On abort it stays uncertain where reads lag, whatever is found.
    if (!creation.uncertain || (signal?.aborted === true && creation.capabilities.readsLag)) throw error;
    const found = await lookForLate(creation);
    if (found === 'unknown') throw error;
    creation.uncertain = found !== undefined || creation.capabilities.readsLag;
    signal?.throwIfAborted();
    if (found !== undefined && isWhole(found, creation.failure)) return found;
    throw error;
  }
}

/** From now on it may take its time until the machine is known. Where that cannot be written, it counts from earlier on. */
async function noteAsked({ registry, record, timeOfDay }: Creation): Promise<void> {
  await registry.update(record.name, (current) => askedForAt(current, timeOfDay), record).catch(() => undefined);
}

/** One that wants to be left alone for long is not waited for. */
function tolerableRestMs(error: unknown): number {
  const ms = restMs(error);
  return ms > longestRestMs ? Infinity : ms;
}

/** Whether only the answer was lost. What is not finished yet, or failed for good, is no machine that anybody wanted. */
function isWhole({ state }: Machine, error: unknown): boolean {
  const failedForGood = error instanceof SidecarError && error.retryable === false;
  return !failedForGood && (state === 'running' || state === 'starting');
}

/** What was not said by a provider, says nothing of what was done. */
function mayBeApplied(error: unknown): boolean {
  return !(error instanceof SidecarError) || error.facts['maybeApplied'] === true;
}

const lookMs = 10_000;
/** How long what was cut off may take until it can be seen, in milliseconds. */
const lateMs = 1_000;

async function lookForLate(creation: Creation): Promise<Machine | undefined | 'unknown'> {
  const found = await lookFor(creation);
  // Where reads lag, a second later would not settle it.
  if (found !== undefined || creation.capabilities.readsLag) return found;
  await creation.clock.sleep(lateMs);
  return lookFor(creation);
}

/** Looks whether there is a machine, whoever wants to leave meanwhile. */
async function lookFor({ provider, spec, clock }: Creation): Promise<Machine | undefined | 'unknown'> {
  const over = new AbortController();
  const late = (): Error => new Error('it does not say whether it was made');
  try {
    return await within(provider.describe(refOf(spec), { signal: over.signal }), { ms: lookMs, clock, late });
  } catch {
    return 'unknown';
  } finally {
    over.abort();
  }
}

function unrepeatable(error: unknown): unknown {
  if (!(error instanceof SidecarError)) return error;
  return new SidecarError(error.code, error.facts, { cause: error.cause, retryable: false });
}
