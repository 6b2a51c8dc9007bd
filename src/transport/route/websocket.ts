import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpsProxyAgent } from 'https-proxy-agent';
import type { WebSocket } from 'ws';
import { SidecarError } from '../../errors.js';
import { isPrivateWay } from './private-way.js';
import { proxyFor } from './proxy.js';
import { identityOf, trustOf, type Trust } from './trust.js';
import { answerError, connectionError, type Tunnel } from './tunnel-errors.js';

/** How long the other side may take to hang up once both have said goodbye, in milliseconds. */
const closeMs = 1_000;

export interface WebSocketOptions {
  /** Where proxies are named, and more authorities. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * SSH in the binary messages of a WebSocket. TLS is always verified, against the authorities that Node knows and those of
 * NODE_EXTRA_CA_CERTS; the proxies of the environment are used.
 *
 * Throws `ssh.unreachable`, retryable where waiting may help, `ssh.tunnel_refused` for an answer or a certificate that
 * will not change by itself, `ssh.config_invalid`, and the signal's reason. No error tells more of a URL than its origin.
 */
export async function openWebSocket(
  { url: text, headers = {} }: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
  { env, signal }: WebSocketOptions,
): Promise<Duplex> {
  const url = parseUrl(text);
  const [ws, trust] = await Promise.all([import('ws'), trustOf(env, invalid)]);
  const proxy = url.protocol === 'wss:' ? proxyFor(url, env, invalid) : undefined;
  // The agent keeps to itself the connection on which it still waits for the proxy's answer.
  const waiting = new AbortController();
  const agent = proxy === undefined ? undefined : await proxyAgent(proxy, { ...trust, signal: waiting.signal });
  signal.throwIfAborted();
  const socket = connect(() => {
    // What is encrypted does not get smaller.
    const options = {
      headers: { ...headers },
      perMessageDeflate: false,
      closeTimeout: closeMs,
      ...trust,
      ...identityOf(url),
    };
    return new ws.WebSocket(url, { ...options, ...(agent === undefined ? {} : { agent }) });
  });
  const tunnel: Tunnel = { origin: url.origin, ...(proxy === undefined ? {} : { proxy: proxy.origin }) };
  let refusedByProxy: Error | undefined;
  let hasProxyAnswered = false;
  agent?.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    hasProxyAnswered = true;
    if (statusCode !== 200) refusedByProxy = answerError(statusCode, tunnel, 'proxy');
  });
  return new Promise<Duplex>((resolve, reject) => {
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
      socket.terminate();
      if (!hasProxyAnswered) waiting.abort();
    };
    const onAbort = (): void => fail(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => fail(refusedByProxy ?? connectionError(error, tunnel)));
    socket.once('unexpected-response', (_request, { statusCode = 0 }: IncomingMessage) =>
      fail(refusedByProxy ?? answerError(statusCode, tunnel, 'server')),
    );
    socket.once('open', () => {
      signal.removeEventListener('abort', onAbort);
      // At once: the first message may already be there.
      resolve(asSocket(ws.createWebSocketStream(socket), socket));
    });
  });
}

/** Says as a socket would that nothing can be written any more: the other side has closed it, and its end is on the way here. */
function asSocket(stream: Duplex, socket: WebSocket): Duplex {
  const write = stream._write.bind(stream);
  stream._write = (chunk, encoding, done) =>
    write(chunk, encoding, (error) => {
      const isUntold = error instanceof Error && !('code' in error) && socket.readyState !== socket.OPEN;
      done(isUntold ? Object.assign(error, { code: 'EPIPE' }) : error);
    });
  return stream;
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw invalid('the address of its WebSocket is no URL');
  const url = new URL(text);
  if (isPrivateWay(url, 'ws')) return url;
  throw invalid(
    url.protocol === 'ws:'
      ? `${url.origin} is not encrypted: ws: is for this machine itself, everything else takes wss:`
      : `its WebSocket is at ${url.protocol}//, and not at wss://`,
  );
}

async function proxyAgent(
  proxy: URL,
  options: Trust & { readonly signal: AbortSignal },
): Promise<HttpsProxyAgent<string>> {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  return new HttpsProxyAgent(proxy.href, options);
}

/** What it refuses at once are headers that cannot be sent. */
function connect<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw invalid('the request for its WebSocket cannot be made', error);
  }
}

function invalid(reason: string, cause?: unknown): SidecarError {
  return new SidecarError(
    'ssh.config_invalid',
    { reason },
    { retryable: false, ...(cause === undefined ? {} : { cause }) },
  );
}
