import type { Duplex } from 'node:stream';

/** A host key as known_hosts and authorized_keys write it: type, base64 blob, no comment. */
export type HostKeyLine = string;

/** Where and as whom to open an SSH connection, all questions of configuration answered. */
export interface SshTarget {
  /** What the user calls the machine, for messages. */
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  /** How bytes get there. Absent: over TCP, straight to host and port, which otherwise only name the server. */
  readonly route?: Route;
  /** The kind of addresses that a name may stand for, as OpenSSH's AddressFamily. Absent: any. */
  readonly addressFamily?: 4 | 6;
  /** The address of this machine to connect from, as OpenSSH's BindAddress. */
  readonly bindAddress?: string;
  readonly user: string;
  /** The keys pinned to this sidecar. Empty: none is known yet, see host-trust.ts. */
  readonly hostKeys: readonly HostKeyLine[];
  /** Private key files to try, in order, see identities.ts. */
  readonly identityFiles: readonly string[];
  /** Certificates to log in with, as OpenSSH's CertificateFile: not used, only named when a login is refused. */
  readonly certificateFiles?: readonly string[];
  /** Try only `identityFiles` (and agent keys that match them), as OpenSSH's IdentitiesOnly. */
  readonly identitiesOnly: boolean;
  /** The ssh-agent's socket, or undefined for none. */
  readonly agentSocket?: string;
  /** The socket of the agent that OpenSSH's ForwardAgent would have commands over there use. Absent: none. */
  readonly forwardAgent?: string;
  /** Files in known_hosts format that the user's own ssh would read, for a sidecar with no pinned key. */
  readonly knownHostsFiles: readonly string[];
  /** A file of keys that no host may have, as OpenSSH's RevokedHostKeys. */
  readonly revokedHostKeysFile?: string;
  /** What of the user's configuration keeps a key that nobody knows from being trusted. Absent: the first one shown is. */
  readonly firstUseRefusedBy?: string;
  /** The name to look up in them instead of host and port, as OpenSSH's HostKeyAlias. */
  readonly hostKeyAlias?: string;
  /** Have the user's own ssh connect, by its configuration; the route and the keys are then its affair, see openssh/. */
  readonly openssh?: OpensshWay;
}

/** What can connect: the library, or the user's own ssh. */
export const transportNames = ['ssh2', 'openssh'] as const;
export type TransportName = (typeof transportNames)[number];

export interface OpensshWay {
  /** What `ssh` is told: options, and last the host. */
  readonly arguments: readonly string[];
  /** What it is started with. */
  readonly env: NodeJS.ProcessEnv;
  /** Why it is used, for a person: `asked for`, or what only OpenSSH can do. */
  readonly why: string;
}

/** A way for the bytes of a connection other than straight to its host and port. */
export type Route =
  /** Opens a new stream to the server. Throws `ssh.unreachable`, retryable where waiting may help, or the signal's reason. */
  | { readonly kind: 'stream'; readonly open: (signal: AbortSignal) => Promise<Duplex> }
  /** The input and output of a program (ProxyCommand): no shell looks at `argv`. */
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  /** The messages of a WebSocket: `wss:`, or `ws:` to this machine itself. `headers` may hold a credential. */
  | { readonly kind: 'websocket'; readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  /** A stream that another SSH server opens to host and port, as those are seen from there (ProxyJump). */
  | { readonly kind: 'jump'; readonly over: SshTarget };

/** The servers to log in to on the way to a target, in that order. */
export function hopsOf({ route }: SshTarget): SshTarget[] {
  return route?.kind === 'jump' ? [...hopsOf(route.over), route.over] : [];
}
