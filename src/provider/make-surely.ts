import { SidecarError } from '../errors.js';
import type { RetryPolicy } from '../retry/policy.js';
import { restMs } from '../retry/rest.js';
import { RetriesExhausted, retry } from '../retry/retry.js';
import { within } from '../retry/within.js';
import { noteAsked, type Creation } from './creation.js';
import { deletedMeanwhile } from './deleted-meanwhile.js';
import { forGood } from './for-good.js';
import { refOf } from './made.js';
import { mayBeApplied } from './maybe-applied.js';
import type { Machine } from './provider.js';

/** How the making of a machine is repeated, where that is safe: after 1, 2 and 4 s. */
const createPolicy: RetryPolicy = {
  ...{ firstDelayMs: 1_000, factor: 2, maxDelayMs: 4_000 },
  ...{ maxAttempts: 4, deadlineMs: Infinity },
};

/** The longest that a provider may ask to be left alone, in milliseconds. */
const longestRestMs = 60_000;

/**
 * Has a machine made, under one request id. Never repeats what may have been done, where two machines could come of it, and
 * stops where the sidecar was deleted meanwhile.
 *
 * Throws what the provider throws, or the signal's reason; `creation.uncertain` says then whether there may be a machine all
 * the same.
 */
export async function makeSurely(creation: Creation): Promise<Machine> {
  const { provider, spec, clock, emit, signal } = creation;
  const { idempotentCreate } = creation.capabilities;
  const { name } = spec;
  const progress = (line: string): void => emit({ kind: 'provider.progress', name, line });
  const make = async (attempt: number): Promise<Machine> => {
    if (attempt > 1 && !(await noteAsked(creation))) throw deletedMeanwhile(name);
    const { uncertain: wasUncertain } = creation;
    creation.uncertain = true; // until it is known better, also where this process is told to leave
    try {
      return await provider.create(spec, { signal, progress });
    } catch (error) {
      creation.failure = error;
      if (signal?.aborted === true || mayBeApplied(error)) throw idempotentCreate ? error : forGood(error);
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
    creation.found = found;
    creation.uncertain = found !== undefined || creation.capabilities.readsLag;
    signal?.throwIfAborted();
    if (found !== undefined && isWhole(found, creation)) return found;
    throw error;
  }
}

/** One that wants to be left alone for longer than anybody waits is asked as often as any other. */
function tolerableRestMs(error: unknown): number {
  const ms = restMs(error);
  return ms > longestRestMs ? 0 : ms;
}

/**
 * Whether only the answer was lost. What failed for good is no machine that anybody wanted. One that is not finished yet will
 * be by a service, whose reads may lag; who makes it from here has gone away in the middle.
 */
function isWhole({ state }: Machine, { failure, capabilities }: Creation): boolean {
  const failedForGood = failure instanceof SidecarError && failure.retryable === false;
  const isOnItsWay = state === 'starting' || (state === 'creating' && capabilities.readsLag);
  return !failedForGood && (state === 'running' || isOnItsWay);
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
