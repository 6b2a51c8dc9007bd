import { constants } from 'node:fs';
import { access, mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { checkPrivateDirectory, errorCode, unwritable } from '../files/private-files.js';
import { ok, skipped, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';
import { judgeSpace } from './space.js';

/** The directories in which things are kept on this machine. */
export function placeChecks({ home: { stateDir, configDir } }: Patient, limit: Limit): readonly Check[] {
  return [
    { id: 'state.directory', run: () => limit(checkOwnDirectory(stateDir)) },
    { id: 'state.space', run: () => limit(checkSpace(stateDir)) },
    { id: 'config.directory', run: () => limit(checkReadable(configDir)) },
  ];
}

/** There or to be made, for nobody else to write in. Throws `state.exposed` and `state.unwritable`. */
async function checkOwnDirectory(directory: string): Promise<Verdict> {
  await checkPrivateDirectory(directory);
  const nearest = await nearestDirectory(directory);
  try {
    await access(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
    // Rights are not all that it takes: a disk may be closed for writing, or be none.
    await rmdir(await mkdtemp(path.join(nearest, '.doctor-')));
  } catch (error) {
    throw unwritable(directory, error);
  }
  return nearest === directory
    ? ok('directory.ready', { path: directory })
    : ok('directory.to_be_made', { path: directory });
}

/** Nothing is ever written there. */
async function checkReadable(directory: string): Promise<Verdict> {
  const nearest = await nearestDirectory(directory);
  if (nearest !== directory) return ok('directory.to_be_made', { path: directory });
  await access(directory, constants.X_OK).catch((error: unknown) => {
    throw unwritable(directory, error);
  });
  return ok('directory.ready', { path: directory });
}

async function checkSpace(directory: string): Promise<Verdict> {
  const nearest = await nearestDirectory(directory).catch(() => undefined);
  const found = nearest === undefined ? undefined : await statfs(nearest).catch(() => undefined);
  // What is no disk counts nothing.
  if (found === undefined || found.blocks === 0) return skipped('space.unknown', { path: directory });
  const { bavail, bsize, files, ffree } = found;
  return judgeSpace({ path: directory, freeBytes: bavail * bsize, ...(files === 0 ? {} : { freeInodes: ffree }) });
}

/** The directory, or the nearest one above it that exists. Throws `state.unwritable` where something else is in the way. */
async function nearestDirectory(directory: string): Promise<string> {
  try {
    for (let place = directory; ; place = path.dirname(place)) {
      const stats = await stat(place).catch((error: unknown) => {
        if (errorCode(error) === 'ENOENT' && path.dirname(place) !== place) return undefined;
        throw error;
      });
      if (stats?.isDirectory() === true) return place;
      if (stats !== undefined) throw new Error(`${place} is not a directory`);
    }
  } catch (error) {
    throw unwritable(directory, error);
  }
}
