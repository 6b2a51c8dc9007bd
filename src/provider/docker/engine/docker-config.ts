import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../../../errors.js';
import { errorCode } from '../../../files/private-files.js';

/** The user's surroundings. */
export interface UsersWorld {
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
}

/** Where the docker command keeps its configuration. */
export function dockerConfigDir({ env, homeDir }: UsersWorld): string {
  const set = env['DOCKER_CONFIG'];
  return set === undefined || set === '' ? join(homeDir, '.docker') : set;
}

/**
 * A file of it. Undefined where there is none. Throws `usage.invalid` for one that is broken. Its content is never
 * repeated: it may hold passwords.
 */
export async function readDockerFile<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new SidecarError('usage.invalid', { reason: `${path} cannot be read`, path }, { cause: error });
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    throw new SidecarError('usage.invalid', { reason: `${path} is not as the docker command writes it`, path });
  }
}
