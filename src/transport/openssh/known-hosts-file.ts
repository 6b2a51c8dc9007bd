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
 * What is known of a host, under `name`. Pinned keys count alone. A host for which known_hosts names an authority is
 * never trusted on first use: whoever wants to pose as it has only to show no certificate.
 */
export function ownKnownHosts({ pins, revoked, trusted, authorities }: HostTrust, name: string): OwnKnownHosts {
  const keys = pins.length > 0 ? pins : trusted.map(({ key }) => key);
  const vouching = pins.length > 0 ? [] : authorities;
  const marked = (marker: string, entries: readonly KnownHost[]): string[] =>
    entries.map(({ key }) => `${marker} ${name} ${hostKeyLine(key)}`);
  const lines = [
    ...marked('@revoked', revoked),
    ...marked('@cert-authority', vouching),
    ...keys.map((key) => `${name} ${hostKeyLine(key)}`),
  ];
  return { text: lines.map((line) => `${line}\n`).join(''), isStrict: keys.length > 0 || vouching.length > 0 };
}
