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
 *
 * `unknown`: it was not known until then. That is unsure: it was never made, or is gone, or comes into being later still.
 */
export async function deleteMachine(
  ref: MachineRef,
  { provider, clock, leftMs }: DeletionDeps,
): Promise<'deleted' | 'unknown'> {
  const mayLag = leftMs > 0 && (await provider.capabilities()).readsLag;
  const lookMs = ref.id === undefined ? leftMs : Math.min(leftMs, knownIdMs);
  const endMs = clock.now() + (mayLag ? lookMs : 0);
  // By its id it may be found where no read tells of it yet.
  let isThere = ref.id !== undefined;
  for (; clock.now() < endMs; isThere = false) {
    const state = isThere ? 'there' : await look(ref, provider);
    if (state === 'gone' || (state === 'there' && (await end(ref, provider)))) return 'deleted';
    await clock.sleep(Math.max(0, Math.min(lookAgainMs, endMs - clock.now())));
  }
  return (await end(ref, provider)) || !mayLag ? 'deleted' : 'unknown';
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
    if (error instanceof SidecarError && error.code === 'provider.gone') return 'gone';
    throw error;
  }
}
