import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { SidecarError } from '../../errors.js';
import { isProgramProviderName, providerNameRule } from '../../sidecars/provider-name.js';
import { readUserFile } from '../../sidecars/settings-files.js';

/** What the name of a program on PATH begins with, to be a provider. */
const prefix = 'sidecar-provider-';

/** A program that is a provider. */
export interface ProviderProgram {
  readonly name: string;
  /** Its absolute path, and the arguments that come first. */
  readonly command: readonly [string, ...string[]];
  /** Where it is named: in the user's `config.json`, which comes first, or on PATH. */
  readonly source: 'settings' | 'path';
}

export interface ProgramPlaces {
  readonly env: NodeJS.ProcessEnv;
  /** Where the user's own `config.json` is. */
  readonly configDir: string;
}

/**
 * The program of a provider. Only what the user has put there is run: what their `config.json` names, or what stands in an
 * absolute directory of PATH, so never one of the directory that they happen to work in.
 *
 * Undefined where there is none. Throws `usage.invalid` for a name that none can have, and `settings.invalid`.
 */
export async function findProviderProgram(name: string, places: ProgramPlaces): Promise<ProviderProgram | undefined> {
  if (!isProgramProviderName(name)) throw new SidecarError('usage.invalid', { reason: providerNameRule, value: name });
  const configured = (await configuredPrograms(places)).find((program) => program.name === name);
  if (configured !== undefined) return configured;
  for (const directory of searchedDirectories(places.env)) {
    const file = join(directory, `${prefix}${name}`);
    if (await isProgram(file)) return { name, command: [file], source: 'path' };
  }
  return undefined;
}

/** Every one of them, by name. Throws `settings.invalid`. */
export async function listProviderPrograms(places: ProgramPlaces): Promise<ProviderProgram[]> {
  const found = new Map((await configuredPrograms(places)).map((program) => [program.name, program]));
  for (const directory of searchedDirectories(places.env)) {
    const names = await readdir(directory).catch(() => []);
    for (const file of names.filter((each) => each.startsWith(prefix))) {
      const name = file.slice(prefix.length);
      if (!isProgramProviderName(name) || found.has(name) || !(await isProgram(join(directory, file)))) continue;
      found.set(name, { name, command: [join(directory, file)], source: 'path' });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function configuredPrograms({ configDir }: ProgramPlaces): Promise<ProviderProgram[]> {
  const { providers = {} } = (await readUserFile(configDir))?.settings ?? {};
  return Object.entries(providers).flatMap(([name, { command }]) => {
    const [file, ...args] = command;
    return file === undefined ? [] : { name, command: [file, ...args], source: 'settings' as const };
  });
}

/** An empty or relative entry would mean the current directory, which is somebody's repository. */
function searchedDirectories(env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
