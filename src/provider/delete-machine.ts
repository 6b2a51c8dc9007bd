import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { MachineRef, Provider } from './provider.js';

export interface DeletionDeps {
  readonly provider: Provider;
  readonly clock: Clock;
  /** For how long the machine is still new, in milliseconds: see `newMs`. */
  readonly leftMs: number;
}

/** How often a machine that is not known yet is looked for, in milliseconds. */
const lookAgainMs = 2_000;

/** How long one is looked for whose id its provider has told, in milliseconds: that catches up soon, and somebody waits. */
const knownIdMs = 10_000;

/**
 * Ends a machine. One that its provider may not know yet is looked for as long as it is new: it would outlive its deletion.
 * `refNow` says how it is known by now.
 *
 * `unknown`: it was not known until then. That is unsure: it was never made, or is gone, or comes into being later still.
 */
export async function deleteMachine(
  refNow: () => Promise<MachineRef>,
  { provider, clock, leftMs }: DeletionDeps,
): Promise<'deleted' | 'unknown'> {
  const mayLag = leftMs > 0 && (await provider.capabilities()).readsLag;
  let endMs = clock.now() + (mayLag ? leftMs : 0);
  for (let knownId: string | undefined; ;) {
    const ref = await refNow();
    // By its id it may be found where no read tells of it yet.
    const isNews = ref.id !== knownId;
    knownId = ref.id;
    if (isNews && mayLag) endMs = clock.now() + Math.min(leftMs, knownIdMs);
    const waitMs = endMs - clock.now();
    const state = isNews || waitMs <= 0 ? 'there' : await look(ref, provider);
    if (state === 'gone' || (state === 'there' && (await end(ref, provider)))) return 'deleted';
    if (waitMs <= 0) return mayLag ? 'unknown' : 'deleted';
    await clock.sleep(Math.min(lookAgainMs, waitMs));
  }
}

/** Whether its provider knew what was to be ended. */
async function end(ref: MachineRef, provider: Provider): Promise<boolean> {
  let isKnown = true;
  await provider.delete(ref, { onUnknown: () => (isKnown = false) });
  return isKnown;
}

async function look(ref: MachineRef, provider: Provider): Promise<'there' | 'unknown' | 'gone'> {
  try {
    return (await provider.describe(ref)) === undefined ? 'unknown' : 'there';
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    if (error.code === 'provider.gone') return 'gone';
    // It is told of, though not as agreed: reason enough to end it.
    if (error.code === 'provider.protocol') return 'there';
    throw error;
  }
}
