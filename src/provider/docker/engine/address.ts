import { join } from 'node:path';
import { SidecarError } from '../../../errors.js';
import type { Place } from '../../provider.js';

/** How to reach an engine. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: EngineTls | undefined }
  /** Through `docker system dial-stdio` on another machine, as the docker command goes. */
  | { readonly kind: 'ssh'; readonly destination: SshDestination; readonly socket?: string | undefined };

/** TLS with the files `ca.pem`, `cert.pem` and `key.pem` of a directory, those that there are. */
export interface EngineTls {
  readonly directory: string;
  /** Whether the engine's certificate has to be good. */
  readonly verify: boolean;
}

export interface SshDestination {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

/** Parses what DOCKER_HOST and contexts hold, `unix://`, `tcp://` or `ssh://`. Throws `usage.invalid`, naming `source`. */
export function parseEngineHost(text: string, source: string, tls?: EngineTls): EngineAddress {
  const wrong = (reason: string): SidecarError =>
    new SidecarError('usage.invalid', {
      reason: `${source}: ${reason}`,
      suggestion: 'write unix:///path/of/socket, tcp://host:port or ssh://user@host',
    });
  const path = /^unix:\/\/(\/.*)$/s.exec(text)?.[1];
  if (path !== undefined) return { kind: 'unix', path };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong(`${text} is no address of an engine`);
  }
  const { protocol, username, password, pathname } = url;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (password !== '') throw wrong('a password does not belong there');
  if (host === '' || host.startsWith('-') || username.startsWith('-')) throw wrong(`${protocol}// names no host`);
  const port = url.port === '' ? undefined : Number(url.port);
  switch (protocol) {
    case 'tcp:':
    case 'http:':
    case 'https:': {
      const secure = tls ?? (protocol === 'https:' ? { directory: '', verify: true } : undefined);
      return { kind: 'tcp', host, port: port ?? (secure === undefined ? 2375 : 2376), tls: secure };
    }
    case 'ssh:': {
      const user = username === '' ? undefined : decodeURIComponent(username);
      const socket = pathname === '' || pathname === '/' ? undefined : decodeURIComponent(pathname);
      return { kind: 'ssh', destination: { host, user, port }, socket };
    }
    default:
      throw wrong(`engines are not reached by ${protocol}//`);
  }
}

/** The address as DOCKER_HOST has it. */
export function engineHost(address: EngineAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix://${address.path}`;
    case 'tcp':
      return `tcp://${inUrl(address.host)}:${address.port}`;
    case 'ssh': {
      const { host, user, port } = address.destination;
      const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
      return `ssh://${login}${inUrl(host)}${port === undefined ? '' : `:${port}`}${address.socket ?? ''}`;
    }
  }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** What is kept to reach the same engine later. The files of TLS stay where they are. */
export function placeOf(address: EngineAddress): Place {
  const tls = address.kind === 'tcp' ? address.tls : undefined;
  return {
    host: engineHost(address),
    ...(tls === undefined ? {} : { tlsDirectory: tls.directory, tlsVerify: tls.verify ? 'yes' : 'no' }),
  };
}

/** Throws `usage.invalid` for a place that is none of an engine. */
export function addressOf({ host = '', tlsDirectory, tlsVerify }: Place): EngineAddress {
  const tls = tlsDirectory === undefined ? undefined : { directory: tlsDirectory, verify: tlsVerify !== 'no' };
  return parseEngineHost(host, 'the place of the sidecar', tls);
}

/** The environment with which other programs reach the same engine. */
export function engineEnvironment(address: EngineAddress): Record<string, string> {
  const tls = address.kind === 'tcp' ? address.tls : undefined;
  return {
    DOCKER_HOST: engineHost(address),
    ...(tls === undefined
      ? {}
      : { DOCKER_CERT_PATH: tls.directory, [tls.verify ? 'DOCKER_TLS_VERIFY' : 'DOCKER_TLS']: '1' }),
  };
}

/** Where the engine's machine is, as this one reaches it. */
export function engineMachine(address: EngineAddress, loopback = '127.0.0.1'): string {
  switch (address.kind) {
    case 'unix':
      return loopback;
    case 'tcp':
      return address.host;
    case 'ssh':
      return address.destination.host;
  }
}

/** One of the files of TLS. */
export function tlsFile({ directory }: EngineTls, name: 'ca.pem' | 'cert.pem' | 'key.pem'): string {
  return join(directory, name);
}
