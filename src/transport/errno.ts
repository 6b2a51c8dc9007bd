export interface ErrnoRead {
  readonly reason: string;
  readonly errno: string;
  /** Whether a booting machine or a passing network fault may cause it: waiting may help. */
  readonly passes: boolean;
}

/** What kept a socket from connecting, or broke it. */
export function readErrno(error: Error): ErrnoRead {
  const all = errnosOf(error);
  const telling = all.filter((name) => !lackingHere.has(name));
  const errnos = telling.length > 0 ? telling : all;
  const [errno = 'unknown'] = errnos;
  return {
    errno,
    reason: errnoWords[errno] ?? errno,
    passes: errnos.length > 0 && errnos.every((name) => name in errnoWords),
  };
}

/** An address of a kind that this machine has none of, such as IPv6: of the name's other addresses it says nothing. */
const lackingHere: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** A name with several addresses fails with one error for each, in an AggregateError with an empty message. */
function errnosOf(error: Error & { readonly code?: unknown }): string[] {
  if (error instanceof AggregateError) return (error.errors as Error[]).flatMap(errnosOf);
  return typeof error.code === 'string' ? [error.code] : [];
}

/** The socket errors that a booting machine or a passing network fault may cause, and no others. */
export const errnoWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection aborted',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  EHOSTDOWN: 'the host is down',
  ENETUNREACH: 'the network is unreachable',
  ENETDOWN: 'the network is down',
  EAI_AGAIN: 'the name cannot be looked up just now',
  ENOTFOUND: 'the name does not resolve',
};
