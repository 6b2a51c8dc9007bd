import type { KnownHost } from '../known-hosts.js';
import type { HostTrust } from '../host-trust.js';
import { hostKeyLine } from '../public-key.js';

/** The only known_hosts that an ssh of ours reads, about the one host that it connects to. */
export interface OwnKnownHosts {
  readonly text: string;
  /** Whether a key that is not in it is refused. Otherwise ssh accepts the first one, and writes it there. */
  readonly isStrict: boolean;
}

/**
 * ssh looks the host up by its HostKeyAlias, or by the name and the port that it makes of the configuration. There is but
 * one host to be looked up, so whatever name that is, it is this one's: no HostKeyAlias of ours has to see to it, which
 * would be the `%k` of a ProxyCommand and an IdentityFile too.
 */
const anyName = '*';

/**
 * What is known of a host. Pinned keys count alone. A host for which known_hosts names an authority is never trusted on
 * first use: whoever wants to pose as it has only to show no certificate. Where nobody is trusted on first use, the keys of
 * its other ports have to be said, which else are looked for in what ssh has accepted.
 */
export function ownKnownHosts(trust: HostTrust): OwnKnownHosts {
  const { pins, revoked, trusted, otherPort, authorities, firstUseRefusedBy } = trust;
  const known = firstUseRefusedBy === undefined || trusted.length > 0 ? trusted : otherPort;
  const keys = pins.length > 0 ? pins : known.map(({ key }) => key);
  const vouching = pins.length > 0 ? [] : authorities;
  const marked = (marker: string, entries: readonly KnownHost[]): string[] =>
    entries.map(({ key }) => `${marker} ${anyName} ${hostKeyLine(key)}`);
  const lines = [
    ...marked('@revoked', revoked),
    ...marked('@cert-authority', vouching),
    ...keys.map((key) => `${anyName} ${hostKeyLine(key)}`),
  ];
  const isStrict = keys.length > 0 || vouching.length > 0 || firstUseRefusedBy !== undefined;
  return { text: lines.map((line) => `${line}\n`).join(''), isStrict };
}
