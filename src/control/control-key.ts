import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import { errorCode, makePrivateDirectory, unwritable, writePrivateFile } from '../files/private-files.js';
import { generateKeyPair } from '../transport/key-pair.js';
import { publicHalf } from '../transport/public-half.js';
import { fileNameOf } from './tokens/logins.js';

/** The key by which this machine logs in to the sidecars of a control plane. */
export interface ControlKey {
  /** Where the private key is, as OpenSSH writes it. */
  readonly file: string;
  /** `ssh-ed25519 AAAA…`, no comment. */
  readonly publicKey: string;
}

/** What it is called on the server. */
export const controlKeyTitle = (): string => `sidecar on ${hostname()}`;

/** Where it is, once there is one. */
export function controlKeyFile(stateDir: string, server: string): string {
  return join(stateDir, 'keys', `control-${fileNameOf(server)}`);
}

/** Made once for each server, and kept. Throws `state.unwritable` and `state.corrupt`. */
export async function controlKey(stateDir: string, server: string): Promise<ControlKey> {
  const file = controlKeyFile(stateDir, server);
  await makePrivateDirectory(dirname(file));
  const before = await publicKeyIn(file);
  if (before !== undefined) return { file, publicKey: before };
  const make = async (): Promise<string> => {
    const made = await publicKeyIn(file);
    if (made !== undefined) return made;
    const { privateKey, publicKey } = await generateKeyPair();
    await writePrivateFile(file, privateKey);
    return publicKey;
  };
  return { file, publicKey: await withLock(file, make) };
}

/** Undefined where there is none yet. */
async function publicKeyIn(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw unwritable(file, error);
  });
  if (text === undefined) return undefined;
  const key = publicHalf(text);
  if (key === undefined) throw new SidecarError('state.corrupt', { path: file, file, reason: 'it is no private key' });
  return `ssh-ed25519 ${key.toString('base64')}`;
}
