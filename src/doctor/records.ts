import path from 'node:path';
import { SidecarError } from '../errors.js';
import { registryStore } from '../sidecars/registry-file.js';
import { readSettings } from '../sidecars/settings.js';
import { readProjectFile, readUserFile, type SettingsFile } from '../sidecars/settings-files.js';
import { ok, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';
import type { Sayings } from './sayings.js';

/** What is kept in files and variables: settings, and the list of sidecars. */
export function recordChecks(patient: Patient, limit: Limit): readonly Check[] {
  const { directory, home } = patient;
  const places = {
    user: { path: path.join(home.configDir, 'config.json'), above: false },
    project: { path: path.join(directory, '.sidecar.json'), above: true },
  };
  return [
    { id: 'settings.user', run: () => limit(checkFile(readUserFile(home.configDir), places.user)) },
    { id: 'settings.project', run: () => limit(checkFile(readProjectFile(directory), places.project)) },
    { id: 'settings.environment', run: () => limit(checkVariables(patient)) },
    { id: 'registry', run: () => limit(checkRegistry(home.stateDir)) },
  ];
}

async function checkFile(
  reading: Promise<SettingsFile | undefined>,
  expected: Sayings['settings.absent'],
): Promise<Verdict> {
  const file = await reading;
  return file === undefined ? ok('settings.absent', expected) : ok('settings.read', { path: file.path });
}

/** The files are read with them, and what is wrong with those is not told here. */
async function checkVariables({ env, directory, home: { configDir } }: Patient): Promise<Verdict> {
  try {
    await readSettings({ flags: {}, env, directory, configDir });
  } catch (error) {
    if (error instanceof SidecarError && error.facts['variable'] !== undefined) throw error;
  }
  const variables = Object.keys(env).filter((name) => name.startsWith('SIDECAR_') && env[name] !== '');
  return ok('settings.in_environment', { variables: variables.sort() });
}

async function checkRegistry(stateDir: string): Promise<Verdict> {
  const { sidecars } = await registryStore(stateDir).read();
  return ok('registry.read', { path: path.join(stateDir, 'sidecars.json'), sidecars: sidecars.length });
}
