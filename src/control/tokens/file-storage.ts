import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkPrivateDirectory,
  errorCode,
  makePrivateDirectory,
  unwritable,
  writePrivateFile,
} from '../../files/private-files.js';
import { fileNameOf } from './logins.js';
import type { TokenStorage } from './storage.js';

/** A file of the user's own (0600) for each server, in `<state>/tokens`. */
export function fileStorage(stateDir: string): TokenStorage {
  const directory = join(stateDir, 'tokens');
  const fileFor = (server: string): string => join(directory, `${fileNameOf(server)}.json`);
  return {
    kind: 'file',
    read: async (server) => {
      const file = fileFor(server);
      return readFile(file, 'utf8').catch((error: unknown) => {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw unwritable(file, error);
      });
    },
    write: async (server, text) => {
      await checkPrivateDirectory(stateDir);
      await makePrivateDirectory(directory);
      await checkPrivateDirectory(directory);
      await writePrivateFile(fileFor(server), text);
    },
    remove: async (server) => {
      const file = fileFor(server);
      await rm(file, { force: true }).catch((error: unknown) => {
        throw unwritable(file, error);
      });
    },
  };
}
