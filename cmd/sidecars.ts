import { Sidecars } from '../src/client.js';
import type { Settings } from '../src/sidecars/settings.js';
import type { Context } from './context.js';

export function openSidecars({ env, platform, homeDir, clock }: Context): Sidecars {
  return new Sidecars({ env, platform, homeDir, clock });
}

/** The settings in force where the command works. */
export async function settingsHere({ directory, sidecar }: Context, sidecars: Sidecars): Promise<Settings> {
  return sidecars.settings(directory, { sidecar });
}
