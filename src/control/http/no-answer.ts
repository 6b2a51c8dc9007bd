/** How a request came to have no whole answer. */
export type NoAnswerKind =
  /** Nothing of it can have arrived: refused, no route, no such name, or a certificate that is not good. */
  | 'not reached'
  /** The connection was lost: the request may have arrived, and the answer as well. */
  | 'cut'
  /** Nothing came in time. */
  | 'late';

/** A request that got no whole answer. Says by `retryable` whether another attempt may get one. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';

  constructor(
    readonly kind: NoAnswerKind,
    message: string,
    {
      retryable,
      timedOut = kind === 'late',
      cause,
    }: { readonly retryable: boolean; readonly timedOut?: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause });
    this.retryable = retryable;
    this.timedOut = timedOut;
  }

  readonly retryable: boolean;
  /** Whether it was waited for in vain: for the connection, or for the answer. */
  readonly timedOut: boolean;

  /** Whether what was asked for may have been done. */
  get maybeApplied(): boolean {
    return this.kind !== 'not reached';
  }
}

/**
 * What a failed `fetch` failed of, by the system's code in it or in one of its causes. Undefined where there is none: then
 * it is a mistake of ours, such as an address that is none, and nothing that would pass.
 */
export function noAnswerOf(error: unknown): NoAnswer | undefined {
  for (const part of causesOf(error)) {
    const { code, message } = part as { readonly code?: unknown; readonly message?: unknown };
    if (typeof code !== 'string') continue;
    const known = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (known !== undefined) {
      const timedOut = known.kind === 'late' || code === 'UND_ERR_CONNECT_TIMEOUT';
      return new NoAnswer(known.kind, known.words, { retryable: true, timedOut, cause: error });
    }
    if (tlsCode.test(code)) {
      const words = `TLS failed: ${String(message)}`;
      return new NoAnswer('not reached', words, { retryable: false, cause: error });
    }
  }
  return undefined;
}

/** The codes of Node and of undici, as https://undici.nodejs.org/#/docs/api/Errors lists them. */
const codes: Readonly<Record<string, { readonly kind: NoAnswerKind; readonly words: string }>> = {
  ECONNREFUSED: { kind: 'not reached', words: 'connection refused' },
  EHOSTUNREACH: { kind: 'not reached', words: 'no route to the host' },
  ENETUNREACH: { kind: 'not reached', words: 'the network is unreachable' },
  ENETDOWN: { kind: 'not reached', words: 'the network is down' },
  EAI_AGAIN: { kind: 'not reached', words: 'its name cannot be looked up just now' },
  ENOTFOUND: { kind: 'not reached', words: 'its name does not resolve' },
  UND_ERR_CONNECT_TIMEOUT: { kind: 'not reached', words: 'it does not take the connection' },
  ECONNRESET: { kind: 'cut', words: 'the connection was reset' },
  ECONNABORTED: { kind: 'cut', words: 'the connection was cut' },
  EPIPE: { kind: 'cut', words: 'the connection was cut' },
  UND_ERR_SOCKET: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
  ETIMEDOUT: { kind: 'late', words: 'no answer' },
  UND_ERR_HEADERS_TIMEOUT: { kind: 'late', words: 'no answer' },
  UND_ERR_BODY_TIMEOUT: { kind: 'late', words: 'its answer does not go on' },
};

const tlsCode = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$|HOSTNAME_MISMATCH$)/;

/** The error, its causes, and the errors of those that are several, each once. */
function* causesOf(error: unknown, seen = new Set<unknown>()): Generator<object> {
  if (typeof error !== 'object' || error === null || seen.has(error)) return;
  seen.add(error);
  yield error;
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: unknown };
  for (const each of [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])]) yield* causesOf(each, seen);
}
