import type { SettingsFile } from './settings-files.js';
import type { CheckedSettings } from './settings-schema.js';

/**
 * Keys by which a file has something run or opened, here or over there. A project's file comes with a repository, so what
 * it says of these counts only once the user has allowed that. A key that does such things is to be added here.
 */
const gatedKeys = ['afterLanding', 'environment', 'forwards'] as const;

export type GatedKey = (typeof gatedKeys)[number];

/** What a file says of these keys: all that is allowed with it, and nothing else. */
export function gatedSettings({ settings }: SettingsFile): Partial<Pick<CheckedSettings, GatedKey>> {
  return Object.fromEntries(gatedKeys.filter((key) => settings[key] !== undefined).map((key) => [key, settings[key]]));
}

export function gatedKeysOf(file: SettingsFile): GatedKey[] {
  return Object.keys(gatedSettings(file)) as GatedKey[];
}
