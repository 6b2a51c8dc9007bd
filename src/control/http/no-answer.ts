import { partsOf } from '../../retry/parts.js';
import { isTlsCode } from '../../transport/tls-codes.js';

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
    super(message, cause === undefined ? {} : { cause });
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
 * What a request failed of, by the system's code in its error or in one of the causes. Undefined where there is none: then
 * it is a mistake of ours, such as a header that cannot be sent, and nothing that would pass. Keeps no more of the error:
 * it may tell of the request, which holds a secret.
 */
export function noAnswerOf(error: unknown): NoAnswer | undefined {
  for (const part of partsOf(error)) {
    if (part instanceof NoAnswer) return part;
    const { code, message, syscall } = part;
    if (typeof code !== 'string') continue;
    const known = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (known !== undefined) {
      // What was said on a connection that is there may have arrived.
      const isThere = syscall === 'read' || syscall === 'write';
      const kind = syscall === 'connect' ? 'not reached' : isThere && known.kind === 'not reached' ? 'cut' : known.kind;
      return new NoAnswer(kind, known.words, { retryable: true, timedOut: known.kind === 'late' });
    }
    if (code.startsWith('HPE_')) return new NoAnswer('cut', 'its answer is no HTTP', { retryable: false });
    if (isTlsCode(code)) return new NoAnswer('not reached', `TLS failed: ${String(message)}`, { retryable: false });
    const way = typeof syscall === 'string' && Object.hasOwn(syscalls, syscall) ? syscalls[syscall] : undefined;
    if (way !== undefined) return new NoAnswer(way.kind, `${way.words} (${code})`, { retryable: true });
  }
  return undefined;
}

/** What else the system may say: of its own limits, its firewall, or its addresses. */
const syscalls: Readonly<Record<string, { readonly kind: NoAnswerKind; readonly words: string }>> = {
  connect: { kind: 'not reached', words: 'it cannot be connected to' },
  getaddrinfo: { kind: 'not reached', words: 'its name cannot be looked up' },
  read: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
  write: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
};

const codes: Readonly<Record<string, { readonly kind: NoAnswerKind; readonly words: string }>> = {
  ECONNREFUSED: { kind: 'not reached', words: 'connection refused' },
  EHOSTUNREACH: { kind: 'not reached', words: 'no route to the host' },
  EHOSTDOWN: { kind: 'not reached', words: 'the host is down' },
  ENETUNREACH: { kind: 'not reached', words: 'the network is unreachable' },
  ENETDOWN: { kind: 'not reached', words: 'the network is down' },
  EAI_AGAIN: { kind: 'not reached', words: 'its name cannot be looked up just now' },
  ENOTFOUND: { kind: 'not reached', words: 'its name does not resolve' },
  ECONNRESET: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
  ECONNABORTED: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
  EPIPE: { kind: 'cut', words: 'the connection was cut before the answer was whole' },
  ETIMEDOUT: { kind: 'late', words: 'no answer' },
};
