import type { ErrorCode, Facts } from '../../errors.js';
import { errnoWords } from '../errno.js';

/** What ssh's last words come to. */
export interface Reading {
  /** Of a `host key` and of a `login`, others know more than ssh says. */
  readonly kind: 'host key' | 'login' | 'other';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly reason: string;
  readonly facts: Facts;
}

/** What waiting may cure. */
export function network(reason: string, facts: Facts = {}): Reading {
  return { kind: 'other', code: 'ssh.unreachable', retryable: true, reason, facts };
}

/** What it does not. */
export function permanent(reason: string, facts: Facts = {}): Reading {
  return { kind: 'other', code: 'ssh.protocol', retryable: false, reason, facts };
}

export function config(reason: string): Reading {
  return { ...permanent(reason), code: 'ssh.config_invalid' };
}

/** Somebody else wrote it. */
export function bounded(text: string, length = 300): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

export function of(kind: Reading['kind'], reading: Reading): Reading {
  return { ...reading, kind };
}

/** `words` are the system's. */
export function socketError(words: string): Reading {
  const errno = errnoOf(words);
  if (errno === undefined) return { ...permanent(bounded(words)), code: 'ssh.unreachable' };
  return network(errnoWords[errno] ?? bounded(words).toLowerCase(), { errno });
}

/** `words` are those of getaddrinfo. */
export function unresolved(words: string): Reading {
  const errno = words.startsWith('Temporary failure') ? 'EAI_AGAIN' : 'ENOTFOUND';
  return network(errnoWords[errno] ?? errno, { errno });
}

/** The errors of the system as the C libraries of Linux (glibc, musl), macOS and the BSDs word them. */
export function errnoOf(words: string): string | undefined {
  return errnos.find(([pattern]) => pattern.test(words))?.[1];
}

const errnos: readonly (readonly [RegExp, string])[] = [
  [/^Connection refused/, 'ECONNREFUSED'],
  [/^Connection reset/, 'ECONNRESET'],
  [/connection abort/i, 'ECONNABORTED'],
  [/^Broken pipe/, 'EPIPE'],
  [/^(Connection|Operation) timed out/, 'ETIMEDOUT'],
  [/^No route to host|^Host is unreachable/, 'EHOSTUNREACH'],
  [/^Host is down/, 'EHOSTDOWN'],
  [/^Network (is )?unreachable/, 'ENETUNREACH'],
  [/^Network is down/, 'ENETDOWN'],
  // Of a name's addresses, ssh says how the last one failed: perhaps one of a kind that this machine has not.
  [/^(Cannot|Can't) assign requested address/, 'EADDRNOTAVAIL'],
  [/^Address family not supported/, 'EAFNOSUPPORT'],
];
