import { isIPv6 } from 'node:net';
import { SidecarError } from '../errors.js';

/** A machine as a user names it to `ssh`. */
export interface Destination {
  /** A host name, an address (IPv6 without brackets), or an alias of `~/.ssh/config`. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

/**
 * Reads `[user@]host[:port]`, with IPv6 addresses in brackets or bare (then without a port), and `ssh://` URLs as ssh(1)
 * takes them. Throws `usage.invalid` for anything that could be taken for an option, or that no host is called.
 */
export function parseDestination(text: string): Destination {
  const isUrl = text.startsWith('ssh://');
  const body = isUrl ? text.slice('ssh://'.length).replace(/\/$/, '') : text;

  const at = body.lastIndexOf('@'); // the last one, as in ssh: a user name may hold an @
  const userText = at < 0 ? undefined : body.slice(0, at);
  const user = isUrl && userText !== undefined ? decodePercent(userText, text) : userText;
  const { host, portText } = splitPort(body.slice(at + 1));

  if (user !== undefined && !isUser(user)) throw invalid(text, `"${user}" cannot be a user name`);
  if (!isHost(host)) throw invalid(text, host === '' ? 'it names no host' : `"${host}" cannot be a host name`);
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(portText === undefined ? {} : { port: parsePort(portText, text) }),
  };
}

/** Reads the `[user@]host[:port]` of hosts to jump over, separated by commas, as `ssh -J` does; `none` is none. */
export function parseJump(text: string): Destination[] {
  return text.toLowerCase() === 'none' ? [] : text.split(',').map(parseDestination);
}

/** A destination as `parseDestination` reads it. */
export function destinationText({ host, user, port }: Destination): string {
  const address = host.includes(':') ? `[${host}]` : host;
  return `${user === undefined ? '' : `${user}@`}${address}${port === undefined ? '' : `:${port}`}`;
}

function splitPort(text: string): { readonly host: string; readonly portText: string | undefined } {
  if (isIPv6(text)) return { host: text, portText: undefined };
  const bracketed = /^\[(?<host>[^\]]*)\](?::(?<port>.*))?$/s.exec(text)?.groups;
  if (bracketed !== undefined) {
    const { host = '', port } = bracketed;
    // Brackets are for addresses only; ssh would look up a name with its brackets.
    return { host: isIPv6(host) ? host : text, portText: port };
  }
  const colon = text.lastIndexOf(':');
  return colon < 0
    ? { host: text, portText: undefined }
    : { host: text.slice(0, colon), portText: text.slice(colon + 1) };
}

/**
 * What OpenSSH takes for a host on its command line (ssh.c, valid_hostname), less the characters that separate the parts
 * of a destination. Nothing that looks like an option, and nothing that a shell or a `Match exec` line could act on.
 */
export function isHost(host: string): boolean {
  // isIPv6 takes milliseconds the first time, and every command asks this of every sidecar.
  return (host.includes(':') && isIPv6(host)) || /^(?!-)[^\s\p{Cc}'`"$\\;&<>|(){},:@/[\]]+$/u.test(host);
}

/** What OpenSSH takes for a remote user (ssh.c, valid_ruser), without white space. A domain (`corp\ada`) may be part of it. */
export function isUser(user: string): boolean {
  return /^(?!-)[^\s\p{Cc}'`"$;&<>|(){}]+$/u.test(user) && !user.endsWith('\\');
}

function parsePort(portText: string, text: string): number {
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) throw invalid(text, `"${portText}" is not a port between 1 and 65535`);
  return port;
}

function decodePercent(encoded: string, text: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw invalid(text, `"${encoded}" cannot be a user name`);
  }
}

function invalid(text: string, problem: string): SidecarError {
  return new SidecarError('usage.invalid', {
    reason: `the destination must be [user@]host[:port], and ${problem}`,
    value: text,
  });
}
