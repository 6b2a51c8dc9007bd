import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { NoAnswer, noAnswerOf } from './no-answer.js';
import { proxyAgent } from './proxy-agent.js';
import { identityOf, trustOf } from '../../transport/route/trust.js';
import { SidecarError } from '../../errors.js';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer may take until it is whole, in milliseconds, where that is less than usual. */
  readonly limitMs?: number | undefined;
}

/**
 * Asks once, and resolves with the whole answer, whatever its status. Follows no redirect. Throws `NoAnswer`, or the
 * signal's reason.
 *
 * Not by `fetch`, which by its specification sends a request again that is answered with 421, a POST too.
 */
export type Send = (asked: Asked) => Promise<Response>;

export interface SendOptions {
  /** For HTTPS_PROXY and its like, and for NODE_EXTRA_CA_CERTS: those of whoever asks, and not of this process. */
  readonly env: NodeJS.ProcessEnv;
  /** How long any answer may take until it is whole, in milliseconds. */
  readonly limitMs?: number;
}

/** Far more than any answer is long. */
const maxAnswerBytes = 8 * 1024 * 1024;

export function sender({ env, limitMs: longestMs = 30_000 }: SendOptions): Send {
  return async ({ signal, limitMs: wantedMs = longestMs, ...asked }) => {
    signal?.throwIfAborted();
    const limitMs = Math.ceil(Math.min(wantedMs, longestMs));
    const late = AbortSignal.timeout(limitMs);
    const either = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      return await ask(asked, { env, signal: either });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (late.aborted) {
        const words = `no answer within ${Number((limitMs / 1000).toPrecision(2))} s`;
        throw new NoAnswer('late', words, { retryable: true });
      }
      throw noAnswerOf(error) ?? error;
    }
  };
}

async function ask(
  { method, url: text, headers, body }: Asked,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Response> {
  const url = new URL(text);
  const isTls = url.protocol === 'https:';
  const [{ request }, trust] = await Promise.all([
    isTls ? import('node:https') : import('node:http'),
    trustOf(env, invalid),
  ]);
  const proxy = isTls ? await proxyAgent(url, { env, ...trust, signal, invalid }) : undefined;
  // A connection for each: one that was kept open may be closed by the server just as the next request goes out.
  const agent: Pick<RequestOptions, 'agent'> = { agent: proxy?.agent ?? false };
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const asked = { method, headers: { ...headers, ...length }, signal };
  const asking = request(url, { ...asked, ...agent, ...trust, ...identityOf(url) });
  try {
    asking.end(body);
    return await Promise.race([answerTo(asking), ...(proxy === undefined ? [] : [proxy.refused])]);
  } catch (error) {
    // The agent has no code for a proxy that hangs up on it.
    if (proxy === undefined || proxy.hasConnected() || signal.aborted || noAnswerOf(error) !== undefined) throw error;
    throw new NoAnswer('not reached', 'the proxy closed the connection', { retryable: true });
  } finally {
    asking.destroy();
  }
}

async function answerTo(asking: ClientRequest): Promise<Response> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asking.on('response', resolve).on('error', reject);
    // After an answer like 101, which changes the protocol, neither of them comes.
    asking.on('close', () => reject(new NoAnswer('cut', 'the connection was closed without an answer', forGood)));
  });
  const { statusCode: status = 0, rawHeaders } = answer;
  const bytes = await wholeBody(answer);
  if (status < 200 || status > 599) throw new NoAnswer('cut', `its answer has the status ${status}`, forGood);
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : bytes, { status, headers });
}

const forGood = { retryable: false };

async function wholeBody(answer: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new NoAnswer('cut', 'its answer does not end', forGood);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function invalid(reason: string, cause?: unknown): SidecarError {
  return new SidecarError('usage.invalid', { reason }, { cause });
}
