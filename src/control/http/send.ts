import { NoAnswer, noAnswerOf } from './no-answer.js';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks once, and resolves with the whole answer, whatever its status. Follows no redirect. Throws `NoAnswer`, or the
 * signal's reason.
 */
export type Send = (asked: Asked) => Promise<Response>;

export interface SendOptions {
  /** For HTTPS_PROXY and its like. */
  readonly env: NodeJS.ProcessEnv;
  /** How long an answer may take until it is whole, in milliseconds. */
  readonly limitMs?: number;
}

/** Far more than any answer is long. */
const maxAnswerBytes = 8 * 1024 * 1024;

export function sender({ env, limitMs = 30_000 }: SendOptions): Send {
  const fetching = fetchFor(env);
  return async ({ method, url, headers, body, signal }) => {
    signal?.throwIfAborted();
    const late = AbortSignal.timeout(limitMs);
    const either = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      const ask = await fetching;
      const init = { method, headers: { ...headers }, redirect: 'manual', signal: either } as const;
      const answer = await ask(url, body === undefined ? init : { ...init, body });
      const bytes = await wholeBody(answer);
      const { status, statusText } = answer;
      const isEmpty = status === 204 || status === 205 || status === 304;
      return new Response(isEmpty ? null : bytes, { status, statusText, headers: answer.headers });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (late.aborted)
        throw new NoAnswer('late', `no answer within ${limitMs / 1000} s`, { retryable: true, cause: error });
      throw noAnswerOf(error) ?? error;
    }
  };
}

async function wholeBody({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new NoAnswer('cut', 'its answer does not end', { retryable: false });
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Node's own knows no proxy before Node 24, and undici takes time to load. */
async function fetchFor(env: NodeJS.ProcessEnv): Promise<typeof fetch> {
  const named = ['HTTPS_PROXY', 'HTTP_PROXY'].map((name) => env[name.toLowerCase()] ?? env[name] ?? '');
  if (named.every((proxy) => proxy === '')) return fetch;
  const { EnvHttpProxyAgent, fetch: fetchThrough } = await import('undici');
  const [httpsProxy = '', httpProxy = ''] = named;
  const dispatcher = new EnvHttpProxyAgent({
    httpsProxy,
    httpProxy,
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
  return ((url: string, init: object) => fetchThrough(url, { ...init, dispatcher })) as unknown as typeof fetch;
}
