import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { SidecarError } from '../../errors.js';
import { isOnlyVouchedFor } from '../host-trust.js';
import { readRevokedKeys } from '../revoked-keys.js';
import { publicHalf } from '../public-half.js';
import { keyType } from '../public-key.js';
import type { SshTarget } from '../target.js';

/** OpenSSH on Windows shares no connection between programs: it has no ControlMaster. */
const canUseOpenssh = process.platform !== 'win32';

/** Throws `usage.invalid` where the user's ssh cannot be used by us. */
export function checkOpenssh(isUsable = canUseOpenssh): void {
  if (isUsable) return;
  const reason =
    '`--transport openssh` needs connections that programs share (ControlMaster), which OpenSSH on Windows has not';
  throw new SidecarError(
    'usage.invalid',
    { reason, suggestion: 'use it within WSL, or do without' },
    { retryable: false },
  );
}

export interface Configured {
  /** See `SshDump`. */
  readonly values: (option: string) => readonly string[];
  readonly keys: Pick<SshTarget, 'identityFiles' | 'identitiesOnly' | 'agentSocket'>;
  /** Of whom known_hosts is asked. Absent: its key is pinned, and that counts alone. */
  readonly host?: Omit<SshTarget, 'hostKeys'> | undefined;
  /** The keys that no host may have. */
  readonly revoked: Pick<SshTarget, 'alias' | 'revokedHostKeysFile'>;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Why the user's own ssh has to connect, for a person; undefined where ssh2 does as well. The rule: as soon as ssh would
 * log in with something of which only OpenSSH knows what to do, or the server with a certificate, or a key is to be looked
 * up in revoked ones that only OpenSSH can read. Throws `ssh.config_invalid` where nobody can read those.
 *
 * GSSAPI counts only with a ticket: distributions switch it on for everybody.
 */
export async function whyOpenssh({ values, keys, host, revoked, env }: Configured): Promise<string | undefined> {
  if (!canUseOpenssh) return undefined;
  const option = ownOptions.find(({ name, not }) => values(name.toLowerCase()).some((value) => !not.includes(value)));
  if (option !== undefined) return `${option.name} is configured`;
  if ((await readRevokedKeys(revoked)) === undefined) return 'RevokedHostKeys is no list of public keys';
  if (host !== undefined && (await isOnlyVouchedFor(host))) return 'known_hosts has an authority vouch for the host';
  for (const path of keys.identityFiles) {
    if (existsSync(`${path}-cert.pub`)) return `${path} has a certificate`;
    const kind = kindOf(await typeIn(path));
    if (kind !== undefined) return `${path} is ${kind}`;
  }
  if (values('gssapiauthentication')[0] === 'yes' && (await hasTicket(env))) {
    return 'GSSAPIAuthentication is on, and there is a Kerberos ticket';
  }
  // Of an agent's other keys, none would be tried.
  if (keys.identitiesOnly || keys.agentSocket === undefined) return undefined;
  const { listAgentKeys } = await import('../agent-keys.js');
  const { foreign } = await listAgentKeys(keys.agentSocket);
  for (const { type, comment } of foreign) {
    const kind = kindOf(type);
    if (kind !== undefined) return `the ssh-agent holds ${kind}: ${comment}`;
  }
  return undefined;
}

/** Options that say it by themselves, and their values that say nothing. */
const ownOptions: readonly { readonly name: string; readonly not: readonly string[] }[] = [
  { name: 'CertificateFile', not: ['none'] },
  { name: 'PKCS11Provider', not: ['none'] },
  { name: 'SecurityKeyProvider', not: ['none', 'internal'] },
];

/** What there is of a key that only OpenSSH can use. */
function kindOf(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  if (type.includes('-cert-v0')) return 'a certificate';
  return type.startsWith('sk-') ? 'a key on a security key' : undefined;
}

/** The type of the key in a file, or in the `.pub` next to it. */
async function typeIn(path: string): Promise<string | undefined> {
  const [text, besides] = await Promise.all(
    [path, `${path}.pub`].map((file) => readFile(file, 'latin1').catch(() => '')),
  );
  const blob = publicHalf(text ?? '');
  if (blob !== undefined) return keyType(blob);
  return [text, besides]
    .map((each) => /^(?:sk-|\S+-cert-v0)\S*/.exec(each ?? '')?.[0])
    .find((type) => type !== undefined);
}

/** Whether klist finds a ticket that is still good. Where there is no klist, nobody knows of one. */
function hasTicket(env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('klist', ['-s'], { env }, (error) => resolve(error === null)).stdin?.end();
  });
}
