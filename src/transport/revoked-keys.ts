import { readFile } from 'node:fs/promises';
import { configInvalid } from './config-invalid.js';
import type { KnownHost } from './known-hosts.js';
import { parsePublicKey } from './public-key.js';
import type { SshTarget } from './target.js';

type Asked = Pick<SshTarget, 'alias' | 'revokedHostKeysFile'>;

/**
 * The keys in the file of a RevokedHostKeys, one a line, as entries that are about every host. Undefined for what is no such
 * list: a KRL (see ssh-keygen(1)), or a line that only OpenSSH may know how to read.
 *
 * Throws `ssh.config_invalid` for a file that cannot be read: ssh refuses every host then, too.
 */
export async function readRevokedKeys({
  alias,
  revokedHostKeysFile: path,
}: Asked): Promise<readonly KnownHost[] | undefined> {
  if (path === undefined) return [];
  const text = await readFile(path, 'latin1').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw configInvalid(alias, `its RevokedHostKeys cannot be read: ${why}`);
  });
  const entries: KnownHost[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (/^[ \t]*(#|$)/.test(content)) continue;
    const key = parsePublicKey(content);
    if (key === undefined) return undefined;
    entries.push({ path, line: index + 1, marker: 'revoked', hosts: '*', key });
  }
  return entries;
}

/** As `readRevokedKeys`, for who has nobody else to ask: throws `ssh.config_invalid` also for what is no such list. */
export async function revokedKeysOf(target: Asked): Promise<readonly KnownHost[]> {
  const entries = await readRevokedKeys(target);
  if (entries !== undefined) return entries;
  const { alias, revokedHostKeysFile: path = '' } = target;
  const reason = `its RevokedHostKeys ${path} is no list of public keys; \`--transport openssh\` can check it`;
  throw configInvalid(alias, reason);
}
