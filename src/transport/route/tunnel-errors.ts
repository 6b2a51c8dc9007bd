import { SidecarError, type Facts } from '../../errors.js';
import { readErrno, type ErrnoRead } from '../errno.js';

/** What leads to the server, without a word of credentials. */
export interface Tunnel {
  /** `wss://host:port`. */
  readonly origin: string;
  /** `http://host:port`. */
  readonly proxy?: string;
}

/** Answers that a gateway gives while the machine behind it boots, or while it has too much to do. */
const passing = new Set([425, 429, 502, 503, 504]);

/** The error of an HTTP answer in the place of a WebSocket, by the one that is asked or by the proxy on the way. */
export function answerError(status: number, { origin, proxy }: Tunnel, by: 'server' | 'proxy'): SidecarError {
  const who = by === 'proxy' ? `the proxy ${proxy ?? ''}` : origin;
  const words = answerWords[status] ?? 'it did not open a WebSocket';
  const facts: Facts = { ...factsOf({ origin, ...(by === 'proxy' && proxy !== undefined && { proxy }) }), status };
  const reason = `${who} answered ${status}: ${words}`;
  return passing.has(status)
    ? new SidecarError('ssh.unreachable', { ...facts, reason }, { retryable: true })
    : new SidecarError('ssh.tunnel_refused', { ...facts, reason }, { retryable: false });
}

/** The error of a connection that was not made, or that broke before the WebSocket was open. */
export function connectionError(error: Error, tunnel: Tunnel): SidecarError {
  const { origin, proxy } = tunnel;
  const hasHungUp = proxy !== undefined && error.message === hangUpOfProxy;
  const { errno, reason, passes } = hasHungUp ? hungUp : readErrno(error);
  const tls = tlsWords(errno);
  if (tls !== undefined) {
    const facts = { ...factsOf(tunnel), tls: errno, reason: `${origin}: ${tls}` };
    return new SidecarError('ssh.tunnel_refused', facts, { cause: error, retryable: false });
  }
  const words = `${proxy === undefined ? origin : `${origin} by the proxy ${proxy}`}: ${errno === 'unknown' ? error.message : reason}`;
  const facts = { ...factsOf(tunnel), errno, reason: words };
  return passes
    ? new SidecarError('ssh.unreachable', facts, { cause: error, retryable: true })
    : new SidecarError('ssh.tunnel_refused', facts, { cause: error, retryable: false });
}

/** What the agent says, without a code, of a proxy that hangs up on it: one that starts, or has too much to do. */
const hangUpOfProxy = 'Proxy connection ended before receiving CONNECT response';
const hungUp: ErrnoRead = { errno: 'ECONNRESET', reason: 'the proxy hung up', passes: true };

function factsOf({ origin, proxy }: Tunnel): Facts {
  return { origin, ...(proxy === undefined ? {} : { proxy }) };
}

const answerWords: Readonly<Record<number, string>> = {
  401: 'the credentials are not accepted',
  403: 'these credentials do not open this way',
  404: 'there is no such sidecar, or no such path',
  407: 'it wants a login',
  410: 'the sidecar is gone',
  425: 'not ready yet',
  429: 'too many requests',
  502: 'the machine behind it does not answer',
  503: 'not available just now',
  504: 'the machine behind it does not answer in time',
};

/** What is wrong with TLS, by the codes of OpenSSL and Node. */
function tlsWords(code: string): string | undefined {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired';
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet';
    case 'CERT_REVOKED':
      return 'its certificate was revoked';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its certificate is for another name';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_UNTRUSTED':
    case 'INVALID_CA':
      return 'its certificate is not of an authority that is trusted here';
    default:
      return /^(CERT_|ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code) ? `TLS cannot be agreed on (${code})` : undefined;
  }
}
