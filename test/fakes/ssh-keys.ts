import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface MadeKey {
  /** The private key file. The public one is `${path}.pub`. */
  readonly path: string;
  /** `ssh-ed25519 AAAA…`, without the comment. */
  readonly line: string;
  readonly type: string;
  readonly blob: Buffer;
}

export interface KeyOptions {
  readonly type?: 'ed25519' | 'ecdsa' | 'rsa';
  readonly bits?: number;
  readonly passphrase?: string;
  readonly comment?: string;
  /** The format of the private key file. Default: OpenSSH's own. */
  readonly format?: 'PEM' | 'PKCS8';
}

/** Makes a key pair `directory/name` with the real ssh-keygen. */
export async function makeKey(directory: string, name: string, options: KeyOptions = {}): Promise<MadeKey> {
  const { type = 'ed25519', bits, passphrase = '', comment = name, format } = options;
  const path = join(directory, name);
  await run('ssh-keygen', [
    ...['-q', '-t', type, '-N', passphrase, '-C', comment, '-f', path],
    ...(bits === undefined ? [] : ['-b', String(bits)]),
    ...(format === undefined ? [] : ['-m', format]),
    // The least work that a passphrase may cost: a test has no secret to keep.
    ...(passphrase !== '' && format === undefined ? ['-a', '1'] : []),
  ]);
  const [keyType = '', encoded = ''] = (await readFile(`${path}.pub`, 'utf8')).split(' ');
  return { path, line: `${keyType} ${encoded}`, type: keyType, blob: Buffer.from(encoded, 'base64') };
}
