import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isName } from './names.js';

/** The file of the registry, in the state directory. */
export const registryFileName = 'sidecars.json';

/**
 * The names of the sidecars, by nothing but a look into the file: what a shell asks for at every press of a key. Throws
 * where there is none, or none that can be read.
 */
export function listNames(stateDir: string): readonly string[] {
  const { sidecars } = JSON.parse(readFileSync(join(stateDir, registryFileName), 'utf8')) as {
    readonly sidecars: readonly { readonly name: string }[];
  };
  return sidecars.map(({ name }) => name).filter(isName);
}
