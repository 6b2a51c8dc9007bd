import { Sidecars } from '../src/client.js';
import { type SettingFlags, type Settings, readSettings } from '../src/sidecars/settings.js';
import type { Context } from './context.js';

export function openSidecars({ env, platform, homeDir, clock }: Context): Sidecars {
  return new Sidecars({ env, platform, homeDir, clock });
}

/** The settings in force where the command works. */
export async function settingsHere(
  { env, directory, sidecar }: Context,
  { home }: Sidecars,
  flags: Omit<SettingFlags, 'sidecar'> = {},
): Promise<Settings> {
  return readSettings({ flags: { ...flags, sidecar }, env, directory, configDir: home.configDir });
}
