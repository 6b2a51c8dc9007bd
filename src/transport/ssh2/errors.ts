import { SidecarError, type ErrorCode, type Facts } from '../../errors.js';
import { readErrno } from '../errno.js';

/** What the error is about: the server that was spoken to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Its name, where it is a host on the way to another one. */
  readonly hop?: string;
}

/** How far an attempt had come when it failed. */
export type Stage = 'dial' | 'handshake' | 'auth';

/**
 * What ended a connection: the first error event of the ssh2 client (later ones are its echo: a failed key exchange is
 * followed by ECONNRESET), an end without any error event, or our own time limit.
 */
export type Observed =
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'closed' }
  | { readonly kind: 'timeout'; readonly limitMs: number };

/** The error of a connection that never became a session. Retryable only for what waiting may cure. */
export function connectError(observed: Observed, where: Endpoint & { stage: Stage }): SidecarError {
  const { code, retryable, reason, facts } = reading(observed);
  return new SidecarError(code, { ...facts, ...where, reason }, { retryable, ...causeOf(observed) });
}

/** The error of a session that was open and is lost. */
export function connectionLost(observed: Observed, endpoint: Endpoint): SidecarError {
  const { retryable, reason, facts } = reading(observed);
  return new SidecarError(
    'ssh.connection_lost',
    { ...facts, ...endpoint, reason },
    { retryable, ...causeOf(observed) },
  );
}

/** The error of a channel that the server, while connected, would not open or not run a command on. */
export function channelRefused(error: Error, endpoint: Endpoint): SidecarError {
  const { reason: number } = error as Partial<ChannelOpenFailure>;
  const facts: Facts = typeof number === 'number' ? { sshReason: number } : {};
  const reason = bounded(error.message.replace('(SSH) Channel open failure: ', ''));
  return new SidecarError('ssh.channel_refused', { ...endpoint, reason, ...facts }, { cause: error, retryable: false });
}

/** The error of a server that does not listen for us. It gives no reason (RFC 4254 §4). */
export function listenRefused(error: Error, { host, port, listen }: Endpoint & { listen: Endpoint }): SidecarError {
  const facts = { host, port, listenHost: listen.host, listenPort: listen.port };
  return new SidecarError('forward.remote_refused', facts, { cause: error, retryable: false });
}

/** RFC 4253 §11.1, number 2, with the words by which OpenSSH says that it counted the keys offered. */
export function isTooManyKeys(error: unknown): boolean {
  const { code, message } = error as Partial<Ssh2Error>;
  return code === 2 && message?.startsWith('Too many authentication failures') === true;
}

/** ssh2's word for "the authHandler has nothing more to offer". */
export function isAuthRefusal(error: unknown): boolean {
  return (error as Partial<Ssh2Error>).level === 'client-authentication';
}

/** An agent that cannot sign is no end: ssh2 goes on with the next key by itself. */
export function isFatal(error: unknown): boolean {
  return (error as Partial<Ssh2Error>).level !== 'agent';
}

/** What ssh2 puts on its errors. `level` may be missing; `code` is an errno's name or a DISCONNECT's number. */
interface Ssh2Error extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/** RFC 4254 §5.1: the number in SSH_MSG_CHANNEL_OPEN_FAILURE. */
interface ChannelOpenFailure extends Error {
  readonly reason: number;
}

interface Reading {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly reason: string;
  readonly facts: Facts;
}

function reading(observed: Observed): Reading {
  switch (observed.kind) {
    case 'timeout':
      return network(`no answer within ${Math.round(observed.limitMs / 100) / 10} s`);
    case 'closed':
      return network('the server closed the connection');
    case 'error':
      return observed.error instanceof Error ? readError(observed.error) : permanent(String(observed.error));
  }
}

function readError(error: Ssh2Error | SidecarError): Reading {
  if (error instanceof SidecarError) return readRouteError(error);
  if (error.level === 'client-socket') return readSocketError(error);
  if (error.level === 'client-timeout') return network(words(error));
  // A proxy in front of a machine that boots accepts and hangs up; so does an sshd with too many unfinished logins.
  if (error.message === 'Connection lost before handshake') return network('the server hung up before it spoke SSH');
  if (typeof error.code === 'number') return readDisconnect(error, error.code);
  return permanent(words(error));
}

/** A stream that is no socket knows best why it ended: see route/. */
function readRouteError({ code, facts, retryable = false, message }: SidecarError): Reading {
  const { hop } = facts;
  const isLost = code === 'ssh.connection_lost';
  const reason = String(facts['reason'] ?? message);
  return {
    code: isLost ? 'ssh.unreachable' : code,
    retryable,
    reason: isLost && typeof hop === 'string' ? onTheWay(hop, reason) : reason,
    facts,
  };
}

/** Why the server itself was not reached. */
export function onTheWay(hop: string, reason: string): string {
  return `${hop}, on the way there: ${reason}`;
}

function readSocketError(error: Ssh2Error): Reading {
  const { reason, errno, passes } = readErrno(error);
  return { code: 'ssh.unreachable', retryable: passes, reason, facts: { errno } };
}

/** RFC 4253 §11.1: 10 CONNECTION_LOST and 12 TOO_MANY_CONNECTIONS pass by themselves. */
function readDisconnect(error: Ssh2Error, disconnect: number): Reading {
  const reason = `the server disconnected: ${words(error)}`;
  const facts = { disconnect };
  return disconnect === 10 || disconnect === 12 ? network(reason, facts) : permanent(reason, facts);
}

function network(reason: string, facts: Facts = {}): Reading {
  return { code: 'ssh.unreachable', retryable: true, reason, facts };
}

function permanent(reason: string, facts: Facts = {}): Reading {
  return { code: 'ssh.protocol', retryable: false, reason, facts };
}

function words(error: Error): string {
  return bounded(error.message === '' ? error.name : error.message);
}

/** The other side wrote some of it. */
function bounded(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function causeOf(observed: Observed): { cause?: unknown } {
  return observed.kind === 'error' ? { cause: observed.error } : {};
}
