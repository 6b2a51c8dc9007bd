import { Sidecars } from '../src/client.js';
import type { Settings } from '../src/sidecars/settings.js';
import type { Context } from './context.js';
import { finishingSoon } from './finishing-soon.js';

export function openSidecars(context: Context): Sidecars {
  const { env, platform, homeDir, clock } = context;
  return new Sidecars({ env, platform, homeDir, clock, finishing: finishingSoon(context) });
}

/** The settings in force where the command works. */
export async function settingsHere({ directory, sidecar }: Context, sidecars: Sidecars): Promise<Settings> {
  return sidecars.settings(directory, { sidecar });
}
