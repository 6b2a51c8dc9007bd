import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { readProjectFile, readUserFile, type SettingsFile } from './settings-files.js';
import { settingRules, settingsFile, type CheckedSettings, type DriftMode } from './settings-schema.js';

/** Where a value came from, for `doctor` and for messages. */
export type SettingSource =
  | { readonly kind: 'flag' }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'project'; readonly path: string }
  | { readonly kind: 'user'; readonly path: string }
  | { readonly kind: 'default' };

export interface Setting<T> {
  readonly value: T;
  readonly source: SettingSource;
}

export interface Settings {
  /** See `CurrentSidecar.choose`. */
  readonly sidecar: Setting<string | undefined>;
  readonly workdir: Setting<string | undefined>;
  readonly drift: Setting<DriftMode>;
  readonly connectTimeoutMs: Setting<number>;
  /** The project file that was found, if any. */
  readonly project: SettingsFile | undefined;
}

/** What the user typed, unchecked. */
export interface SettingFlags {
  readonly sidecar?: string | undefined;
  readonly workdir?: string | undefined;
  readonly drift?: string | undefined;
  readonly connectTimeout?: string | undefined;
}

type Key = keyof SettingFlags;

/** Flags and variables, in the words that a message about them needs. */
const spelling: Readonly<Record<Key, { readonly flag: string; readonly variable: string }>> = {
  sidecar: { flag: '--sidecar', variable: 'SIDECAR_NAME' },
  workdir: { flag: '--workdir', variable: 'SIDECAR_WORKDIR' },
  drift: { flag: '--drift', variable: 'SIDECAR_DRIFT' },
  connectTimeout: { flag: '--connect-timeout', variable: 'SIDECAR_CONNECT_TIMEOUT' },
};

const keys = Object.keys(spelling) as Key[];

interface Layer {
  readonly settings: CheckedSettings;
  readonly source: (key: Key) => SettingSource;
}

/**
 * The settings in force: flag, else environment, else project file, else user file, else default. Each source is checked
 * whole, so that a mistake is found even where another source outweighs it.
 *
 * Throws `usage.invalid` for a flag, and `settings.invalid` naming the file or variable, the key and what it takes.
 */
export async function readSettings({ flags, env, directory, configDir }: SettingsSources): Promise<Settings> {
  const layers = [fromFlags(flags), fromEnvironment(env)];
  const project = await readProjectFile(directory);
  if (project !== undefined) layers.push(fromFile('project', project));
  const user = await readUserFile(configDir);
  if (user !== undefined) layers.push(fromFile('user', user));

  const pick = <K extends Key, D>(key: K, fallback: D): Setting<NonNullable<CheckedSettings[K]> | D> => {
    for (const { settings, source } of layers) {
      const value = settings[key];
      if (value !== undefined) return { value, source: source(key) };
    }
    return { value: fallback, source: { kind: 'default' } };
  };
  return {
    sidecar: pick('sidecar', undefined),
    workdir: pick('workdir', undefined),
    drift: pick('drift', 'save'),
    connectTimeoutMs: pick('connectTimeout', 90_000),
    project,
  };
}

export interface SettingsSources {
  readonly flags: SettingFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to look for `.sidecar.json`, and above. Absolute. */
  readonly directory: string;
  readonly configDir: string;
}

function fromFlags(flags: SettingFlags): Layer {
  const settings = checkEach(
    (key) => flags[key],
    (key) => new SidecarError('usage.invalid', { option: spelling[key].flag, reason: mustBe(spelling[key].flag, key) }),
  );
  return { settings, source: () => ({ kind: 'flag' }) };
}

/** An empty variable counts as unset. */
function fromEnvironment(env: SettingsSources['env']): Layer {
  const settings = checkEach(
    (key) => {
      const value = env[spelling[key].variable];
      return value === '' ? undefined : value;
    },
    (key) => {
      const { variable } = spelling[key];
      return new SidecarError('settings.invalid', { variable, key, reason: mustBe(variable, key) });
    },
  );
  return { settings, source: (key) => ({ kind: 'environment', variable: spelling[key].variable }) };
}

function fromFile(kind: 'project' | 'user', { path, settings }: { path: string; settings: CheckedSettings }): Layer {
  return { settings, source: () => ({ kind, path }) };
}

function checkEach(given: (key: Key) => string | undefined, wrong: (key: Key) => SidecarError): CheckedSettings {
  const input: SettingFlags = Object.fromEntries(keys.map((key) => [key, given(key)] as const));
  const checked = v.safeParse(settingsFile, input);
  if (checked.success) return checked.output;
  throw wrong(v.getDotPath(checked.issues[0]) as Key);
}

function mustBe(what: string, key: Key): string {
  return `${what} must be ${settingRules[key]}`;
}
