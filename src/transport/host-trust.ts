import type { ServerHostKeyAlgorithm } from 'ssh2';
import { SidecarError } from '../errors.js';
import { revokedKeysOf, readRevokedKeys } from './revoked-keys.js';
import { hostKeyName, isAbout, readKnownHosts, type KnownHost } from './known-hosts.js';
import { fingerprint, hostKeyLine, keyType, parsePublicKey, type PublicKey } from './public-key.js';
import type { HostKeyLine, SshTarget } from './target.js';

/** What to make of the key that a server shows. */
export interface HostKeyPolicy {
  /** Every host key algorithm, those of the known keys first. Undefined when no key is known: ssh2's own order. */
  readonly preferredAlgorithms: readonly ServerHostKeyAlgorithm[] | undefined;
  /** Decides on the raw public key that the server showed. Pure and synchronous. */
  verdict(blob: Buffer): HostKeyVerdict;
}

/** What is known about who may be at the other end. */
export interface HostTrust {
  readonly pins: readonly PublicKey[];
  readonly revoked: readonly KnownHost[];
  /** What known_hosts says of exactly this host and port: one of these, or an alarm. */
  readonly trusted: readonly KnownHost[];
  /** What it says of the host at port 22. Good for recognising a key, but another port may be another server. */
  readonly otherPort: readonly KnownHost[];
  /** Who may vouch for the host with a certificate. ssh2 negotiates none, so there they keep a new key from being trusted. */
  readonly authorities: readonly KnownHost[];
  /** See `SshTarget`. */
  readonly firstUseRefusedBy?: string;
}

export type HostKeyVerdict =
  /** It equals a pinned key. */
  | { readonly kind: 'pinned' }
  /** An authority of known_hosts has signed for it. There is nothing to pin: the next key is vouched for as well. */
  | { readonly kind: 'vouched'; readonly fingerprint: string }
  /** Accept it and pin it: nothing is pinned yet. */
  | {
      readonly kind: 'learn';
      readonly source: 'known_hosts' | 'first-use';
      readonly line: HostKeyLine;
      readonly keyType: string;
      readonly fingerprint: string;
    }
  /** `ssh.host_key_changed`, `ssh.host_key_unknown` or `ssh.host_key_revoked`. */
  | { readonly kind: 'refused'; readonly error: SidecarError };

/**
 * Who may be at the other end.
 *
 * A key that the user's known_hosts revokes for this host, or RevokedHostKeys for all of them, is always refused. Otherwise
 * pinned keys alone decide, where there are any; then known_hosts, where it knows the host; then the first key shown is
 * trusted, unless known_hosts names an authority for the host (whoever wants to pose as it has only to show no certificate),
 * or the user's configuration wants every key to be known.
 *
 * Throws `ssh.config_invalid` for a pin that is no key, which could turn a pinned sidecar into an unknown one, and for
 * revoked keys that cannot be read.
 */
export async function hostKeyPolicy(target: SshTarget): Promise<HostKeyPolicy> {
  return policyOf(await hostTrust(target), target);
}

/** Throws as `hostKeyPolicy`. */
export async function hostTrust(target: SshTarget): Promise<HostTrust> {
  const { openssh, firstUseRefusedBy } = target;
  const pins = target.hostKeys.map((line) => parsePin(line, target));
  const known = whatIsKnown(target, await readKnownHosts(target.knownHostsFiles));
  // What of them ssh2 cannot read, ssh checks by itself.
  const revokedEverywhere = openssh === undefined ? await revokedKeysOf(target) : await readRevokedKeys(target);
  const revoked = [...known.revoked, ...(revokedEverywhere ?? [])];
  return { pins, ...known, revoked, ...(firstUseRefusedBy !== undefined && { firstUseRefusedBy }) };
}

export function policyOf(trust: HostTrust, { alias }: SshTarget): HostKeyPolicy {
  const { pins, trusted, otherPort } = trust;
  const expected = [pins, trusted.map(({ key }) => key), otherPort.map(({ key }) => key)];
  return {
    preferredAlgorithms: algorithmsFor(expected.find((keys) => keys.length > 0) ?? []),
    verdict: (blob) => judge(blob, { host: alias, ...trust }),
  };
}

/** The refusal of a key that somebody else refused, and of which only this is known. */
export function refusalOf(
  { keyType, fingerprint: actual }: { readonly keyType: string; readonly fingerprint: string },
  { pins, trusted, revoked, authorities, firstUseRefusedBy }: HostTrust,
  { alias }: SshTarget,
): SidecarError {
  const shown = { host: alias, keyType, actual };
  const revocation = revoked.find(({ key }) => fingerprint(key.blob) === actual);
  if (revocation !== undefined) return revokedBy(revocation, shown);
  if (pins.length > 0) return changed(shown, pins, { source: 'pin' });
  const known = [...trusted, ...authorities];
  if (known.length === 0 && firstUseRefusedBy !== undefined) return unknownKey(shown, firstUseRefusedBy);
  const place = known.find(({ key }) => key.type === keyType) ?? known[0];
  const keys = known.map(({ key }) => key);
  return changed(shown, keys, place === undefined ? { source: 'known_hosts' } : placeOf(place));
}

/** Whether nothing but a certificate of an authority in known_hosts makes the host known. ssh2 cannot check one. */
export async function isOnlyVouchedFor(target: Omit<SshTarget, 'hostKeys'>): Promise<boolean> {
  const { trusted, authorities } = whatIsKnown(target, await readKnownHosts(target.knownHostsFiles));
  return trusted.length === 0 && authorities.length > 0;
}

/** The lookups of OpenSSH's sshconnect.c: HostKeyAlias alone, or host and port, then the host without its port. */
function whatIsKnown(target: Omit<SshTarget, 'hostKeys'>, entries: readonly KnownHost[]): Omit<HostTrust, 'pins'> {
  const name = hostKeyName(target);
  const under = (wanted: string): KnownHost[] => entries.filter((entry) => isAbout(entry, wanted));
  const exact = under(name);
  const bare = target.hostKeyAlias === undefined && name !== target.host ? under(target.host) : [];
  // A key of a type that we cannot negotiate can neither be shown nor be missed.
  const usable = (entry: KnownHost): boolean => entry.marker === undefined && algorithmsOf(entry.key.type).length > 0;
  return {
    revoked: [...exact, ...bare].filter(({ marker }) => marker === 'revoked'),
    authorities: [...exact, ...bare].filter(({ marker }) => marker === 'cert-authority'),
    trusted: exact.filter(usable),
    otherPort: bare.filter(usable),
  };
}

function judge(blob: Buffer, trust: JudgedBy): HostKeyVerdict {
  const { host, pins, revoked, trusted, otherPort, authorities, firstUseRefusedBy } = trust;
  const shown = { host, keyType: keyType(blob) ?? 'unknown', actual: fingerprint(blob) };
  const isShown = (key: PublicKey): boolean => key.blob.equals(blob);
  const entryIsShown = ({ key }: KnownHost): boolean => isShown(key);

  const revocation = revoked.find(entryIsShown);
  if (revocation !== undefined) {
    return { kind: 'refused', error: revokedBy(revocation, shown) };
  }
  if (pins.length > 0) {
    return pins.some(isShown)
      ? { kind: 'pinned' }
      : { kind: 'refused', error: changed(shown, pins, { source: 'pin' }) };
  }
  const learn = (source: 'known_hosts' | 'first-use'): HostKeyVerdict => ({
    kind: 'learn',
    source,
    line: hostKeyLine({ type: shown.keyType, blob }),
    keyType: shown.keyType,
    fingerprint: shown.actual,
  });
  const [first] = trusted;
  if (first !== undefined && !trusted.some(entryIsShown)) {
    const sameType = trusted.find(({ key }) => key.type === shown.keyType);
    const keys = trusted.map(({ key }) => key);
    return { kind: 'refused', error: changed(shown, keys, placeOf(sameType ?? first)) };
  }
  if ([...trusted, ...otherPort].some(entryIsShown)) return learn('known_hosts');
  const [authority] = authorities;
  if (authority !== undefined) {
    const keys = authorities.map(({ key }) => key);
    return { kind: 'refused', error: changed(shown, keys, placeOf(authority)) };
  }
  if (firstUseRefusedBy === undefined) return learn('first-use');
  return { kind: 'refused', error: unknownKey(shown, firstUseRefusedBy) };
}

interface JudgedBy extends HostTrust {
  readonly host: string;
}

interface Shown {
  readonly host: string;
  readonly keyType: string;
  readonly actual: string;
}

function revokedBy(entry: KnownHost, shown: Shown): SidecarError {
  return new SidecarError('ssh.host_key_revoked', { ...shown, ...placeOf(entry) }, { retryable: false });
}

function unknownKey(shown: Shown, rule: string): SidecarError {
  return new SidecarError('ssh.host_key_unknown', { ...shown, rule }, { retryable: false });
}

function changed(
  shown: Shown,
  expectedKeys: readonly PublicKey[],
  place: { readonly source: string } | Place,
): SidecarError {
  const expected = [...new Set(expectedKeys.map(({ blob }) => fingerprint(blob)))];
  return new SidecarError('ssh.host_key_changed', { ...shown, expected, ...place }, { retryable: false });
}

interface Place {
  /** As compilers print a place. */
  readonly source: string;
  readonly file: string;
  readonly line: number;
  /** An authority stands there, and no key of the host. */
  readonly authority?: true;
}

/** Which line it is about. */
function placeOf({ path, line, marker }: KnownHost): Place {
  const place = { source: `${path}:${String(line)}`, file: path, line };
  return marker === 'cert-authority' ? { ...place, authority: true } : place;
}

function parsePin(line: HostKeyLine, target: SshTarget): PublicKey {
  const key = parsePublicKey(line);
  if (key !== undefined) return key;
  const reason = `the pinned host key "${line}" cannot be read`;
  throw new SidecarError('ssh.config_invalid', { host: target.alias, reason }, { retryable: false });
}

/** ssh2's own list and order. */
const everyAlgorithm: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];

/** An RSA key signs under three names (RFC 8332), every other key under the name of its type. */
function algorithmsOf(type: string): ServerHostKeyAlgorithm[] {
  return everyAlgorithm.filter((name) => name === type || (type === 'ssh-rsa' && name.startsWith('rsa-sha2-')));
}

/** The server picks the first that it has: without this, a host known by its RSA key would show another one. */
function algorithmsFor(keys: readonly PublicKey[]): readonly ServerHostKeyAlgorithm[] | undefined {
  if (keys.length === 0) return undefined;
  return [...new Set([...keys.flatMap(({ type }) => algorithmsOf(type)), ...everyAlgorithm])];
}
