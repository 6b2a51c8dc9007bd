import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { gatedKeysOf, type GatedKey } from './gated-settings.js';
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
  /** What `forward` forwards where nothing is said. */
  readonly forwards: Setting<NonNullable<CheckedSettings['forwards']>>;
  /** Variables for what is run over there, by all files together. */
  readonly environment: Readonly<Record<string, string>>;
  /** The words of a command to be run after each landing that changed something. */
  readonly afterLanding: Setting<readonly string[] | undefined>;
  /** What the project file says, and what does not count because nobody has allowed it. */
  readonly withheld: { readonly file: string; readonly keys: readonly GatedKey[] } | undefined;
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

type FlagKey = keyof SettingFlags;
type Key = keyof CheckedSettings;

/** Flags and variables, in the words that a message about them needs. */
const spelling: Readonly<Record<FlagKey, { readonly flag: string; readonly variable: string }>> = {
  sidecar: { flag: '--sidecar', variable: 'SIDECAR_NAME' },
  workdir: { flag: '--workdir', variable: 'SIDECAR_WORKDIR' },
  drift: { flag: '--drift', variable: 'SIDECAR_DRIFT' },
  connectTimeout: { flag: '--connect-timeout', variable: 'SIDECAR_CONNECT_TIMEOUT' },
};

const keys = Object.keys(spelling) as FlagKey[];

interface Layer {
  readonly settings: CheckedSettings;
  readonly source: (key: FlagKey) => SettingSource;
}

/**
 * The settings in force: flag, else environment, else project file, else user file, else default. Each source is checked
 * whole, so that a mistake is found even where another source outweighs it.
 *
 * Throws `usage.invalid` for a flag, and `settings.invalid` naming the file or variable, the key and what it takes.
 */
export async function readSettings({
  flags,
  env,
  directory,
  configDir,
  isAllowed,
}: SettingsSources): Promise<Settings> {
  const layers = [fromFlags(flags), fromEnvironment(env)];
  const project = await readProjectFile(directory);
  const { settings: ofProject, withheld } = await onlyAllowed(project, isAllowed);
  if (project !== undefined) layers.push(fromFile('project', { path: project.path, settings: ofProject }));
  const user = await readUserFile(configDir);
  if (user !== undefined) layers.push(fromFile('user', user));

  const pick = <K extends Key, D>(key: K, fallback: D): Setting<NonNullable<CheckedSettings[K]> | D> => {
    for (const { settings, source } of layers) {
      const value = settings[key];
      if (value !== undefined) return { value, source: source(key as FlagKey) };
    }
    return { value: fallback, source: { kind: 'default' } };
  };
  const afterLanding = pick('afterLanding', undefined);
  return {
    sidecar: pick('sidecar', undefined),
    workdir: pick('workdir', undefined),
    drift: pick('drift', 'save'),
    connectTimeoutMs: pick('connectTimeout', 90_000),
    forwards: pick('forwards', []),
    environment: { ...user?.settings.environment, ...ofProject.environment },
    afterLanding: { ...afterLanding, value: wordsOf(afterLanding.value) },
    withheld,
    project,
  };
}

export interface SettingsSources {
  readonly flags: SettingFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to look for `.sidecar.json`, and above. Absolute. */
  readonly directory: string;
  readonly configDir: string;
  /** Whether the user has allowed what a project file would run or open. Default: nothing is allowed. */
  readonly isAllowed?: (file: SettingsFile) => Promise<boolean>;
}

/** What a project file says, without what has to be allowed and is not. */
async function onlyAllowed(
  project: SettingsFile | undefined,
  isAllowed: SettingsSources['isAllowed'] = () => Promise.resolve(false),
): Promise<Pick<Settings, 'withheld'> & { readonly settings: CheckedSettings }> {
  if (project === undefined) return { settings: {}, withheld: undefined };
  const keys = gatedKeysOf(project);
  if (keys.length === 0 || (await isAllowed(project))) return { settings: project.settings, withheld: undefined };
  const left = Object.entries(project.settings).filter(([key]) => !keys.includes(key as GatedKey));
  return { settings: Object.fromEntries(left), withheld: { file: project.path, keys } };
}

const wordsOf = (command: CheckedSettings['afterLanding']): readonly string[] | undefined =>
  typeof command === 'string' ? ['sh', '-c', command] : command;

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

function checkEach(
  given: (key: FlagKey) => string | undefined,
  wrong: (key: FlagKey) => SidecarError,
): CheckedSettings {
  const input: SettingFlags = Object.fromEntries(keys.map((key) => [key, given(key)] as const));
  const checked = v.safeParse(settingsFile, input);
  if (checked.success) return checked.output;
  throw wrong(v.getDotPath(checked.issues[0]) as FlagKey);
}

function mustBe(what: string, key: FlagKey): string {
  return `${what} must be ${settingRules[key]}`;
}
