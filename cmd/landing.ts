import type { Sidecars } from '../src/client.js';
import type { LandOptions } from '../src/client-options.js';
import type { LandingAsked } from '../src/landing.js';
import type { Settings } from '../src/sidecars/settings.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Context } from './context.js';
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
  readonly settings: Settings;
  /** How long to try to connect, in milliseconds. */
  readonly deadlineMs: number;
  /** Everything but how to tell of it. To be asked for where errors are said to be about the sidecar. */
  readonly options: () => Promise<
    Omit<LandOptions, 'emit'> & { readonly signal: AbortSignal; readonly deadlineMs: number }
  >;
}

/** The landing that flags and settings ask for here, done by this process. */
export async function landingHere(context: Context, flags: LandingFlags): Promise<LandingHere> {
  const { signal } = context;
  // Whoever has the daemon do it needs none of this.
  const [{ openSidecars }, { landingOf }] = await Promise.all([import('./sidecars.js'), import('../src/landing.js')]);
  const sidecars = openSidecars(context);
  const { record, settings, deadlineMs, options } = await landingOf(sidecars, landingAsked(context, flags), signal);
  return {
    sidecars,
    record,
    settings,
    deadlineMs,
    options: async () => ({ ...(await options()), askPassphrase: passphrasePrompt(context), signal }),
  };
}

export function landingAsked({ directory, sidecar }: Context, flags: LandingFlags): LandingAsked {
  const { drift, connectTimeout, adopt } = flags;
  return { directory, sidecar, drift, connectTimeout, adopt };
}
