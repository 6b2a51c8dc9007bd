import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory, unwritable, writePrivateFile } from '../files/private-files.js';

/** The private key by which this user logs in to a machine that was made for them: one for each machine, unless its provider has a `loginKey`. */
export function machineKeyFile(stateDir: string, requestId: string): string {
  return join(stateDir, 'keys', requestId);
}

/** Throws `state.unwritable`. */
export async function keepMachineKey(stateDir: string, requestId: string, privateKey: string): Promise<void> {
  await makePrivateDirectory(join(stateDir, 'keys'));
  await writePrivateFile(machineKeyFile(stateDir, requestId), privateKey);
}

/** Throws `state.unwritable`. */
export async function dropMachineKey(stateDir: string, requestId: string): Promise<void> {
  const file = machineKeyFile(stateDir, requestId);
  await rm(file, { force: true }).catch((error: unknown) => {
    throw unwritable(file, error);
  });
}
