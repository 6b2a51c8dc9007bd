import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parsePublicKey, type PublicKey } from './public-key.js';
import type { SshTarget } from './target.js';

/** One line of a known_hosts file, see sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownHost {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  /** `revoked`: this key must never be accepted. `cert-authority`: who has a certificate that it signed may be trusted. */
  readonly marker?: 'revoked' | 'cert-authority';
  /** The first field as it stands there: a list of patterns, or one hashed name. */
  readonly hosts: string;
  readonly key: PublicKey;
}

/**
 * The entries of known_hosts files, in order. A file that is missing or cannot be read has none, as for OpenSSH.
 */
export async function readKnownHosts(paths: readonly string[]): Promise<KnownHost[]> {
  const files = await Promise.all(
    paths.map(async (path) => parseKnownHosts(await readFile(path, 'latin1').catch(() => ''), path)),
  );
  return files.flat();
}

/** The entries in a file's text. Lines that OpenSSH would pass over are passed over. */
export function parseKnownHosts(text: string, path: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((content, index) => {
    const fields = /^[ \t]*(?:(@\S+)[ \t]+)?([^@# \t]\S*)[ \t]+(\S+[ \t]+\S+)/.exec(content);
    if (fields === null) return [];
    const [, marker, hosts = '', keyText = ''] = fields;
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') return [];
    const key = parsePublicKey(keyText);
    const marked =
      marker === undefined ? {} : ({ marker: marker === '@revoked' ? 'revoked' : 'cert-authority' } as const);
    return key === undefined ? [] : [{ path, line: index + 1, ...marked, hosts, key }];
  });
}

/** The name under which known_hosts holds a host: a port other than 22 is part of it. */
export function knownHostsName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${String(port)}`;
}

/** The name under which a server's key is known: of the user's known_hosts, and of a hop on the way to a sidecar. */
export function hostKeyName({ host, port, hostKeyAlias }: Pick<SshTarget, 'host' | 'port' | 'hostKeyAlias'>): string {
  return hostKeyAlias ?? knownHostsName(host, port);
}

/** Is the entry about the host of that name? Names do not differ by case. */
export function isAbout(entry: KnownHost, name: string): boolean {
  const lowerName = name.toLowerCase();
  return entry.hosts.startsWith('|') ? matchesHash(entry.hosts, lowerName) : matchesList(entry.hosts, lowerName);
}

/** `|1|salt|hash`: the hash is HMAC-SHA1 of the name, keyed with the salt. Nothing else may stand in the field. */
function matchesHash(field: string, name: string): boolean {
  const [empty, version, salt, hash, ...rest] = field.split('|');
  if (empty !== '' || version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** A comma-separated list: some pattern matches, and no pattern behind a `!` does. */
function matchesList(field: string, name: string): boolean {
  const patterns = field.toLowerCase().split(',');
  const matches = (pattern: string): boolean => glob(pattern).test(name);
  return patterns.some(matches) && !patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)));
}

/** `*` is any number of characters, `?` is one; every other character is itself, brackets too. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
