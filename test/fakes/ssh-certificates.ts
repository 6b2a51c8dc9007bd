import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { MadeKey } from './ssh-keys.js';

const run = promisify(execFile);

/** Has `authority` sign for a key: the certificate lies next to it, where ssh and sshd look for it. Returns its path. */
export async function certify(
  key: MadeKey,
  { authority, principal, isHost = false }: { authority: MadeKey; principal: string; isHost?: boolean },
): Promise<string> {
  const kind = isHost ? ['-h'] : [];
  await run('ssh-keygen', ['-q', '-s', authority.path, ...kind, '-I', 'test', '-n', principal, `${key.path}.pub`]);
  const path = `${key.path}-cert.pub`;
  await readFile(path);
  return path;
}
