import type { LandOptions, Sidecars } from '../src/client.js';
import { landingOf, type LandingAsked } from '../src/landing.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Context } from './context.js';
import { openSidecars } from './sidecars.js';
import { passphrasePrompt } from './ui/ask-passphrase.js';

/** The flags of every command that lands the working tree. */
export interface LandingFlags {
  readonly drift?: string;
  readonly adopt?: boolean;
  readonly connectTimeout?: string;
}

export interface LandingHere {
  readonly sidecars: Sidecars;
  readonly record: SidecarRecord;
  /** Everything but how to tell of it. To be asked for where errors are said to be about the sidecar. */
  readonly options: () => Promise<Omit<LandOptions, 'emit'> & { readonly signal: AbortSignal }>;
}

/** The landing that flags and settings ask for here. */
export async function landingHere(context: Context, flags: LandingFlags): Promise<LandingHere> {
  const { signal } = context;
  const sidecars = openSidecars(context);
  const { record, options } = await landingOf(sidecars, landingAsked(context, flags), signal);
  return {
    sidecars,
    record,
    options: async () => ({ ...(await options()), askPassphrase: passphrasePrompt(context), signal }),
  };
}

export function landingAsked({ directory, sidecar }: Context, flags: LandingFlags): LandingAsked {
  const { drift, connectTimeout, adopt } = flags;
  return { directory, sidecar, drift, connectTimeout, adopt };
}
