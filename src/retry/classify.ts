import { partsOf, type Part } from './parts.js';

export type Verdict = 'retry' | 'fail';

/**
 * May the work that failed with `error` be tried again?
 *
 * Reads nothing but `retryable`, which the place with the evidence has set, on the error, its causes and the errors of
 * an AggregateError, at any depth. One `false` outweighs every `true`. An abort anywhere means that somebody wants no
 * more attempts. `unknown` is the answer for an error that says nothing.
 */
export function classify(error: unknown, { unknown }: { readonly unknown: Verdict }): Verdict {
  let verdict: Verdict | undefined;
  for (const part of partsOf(error)) {
    if (isAbort(part) || part.retryable === false) return 'fail';
    if (part.retryable === true) verdict = 'retry';
  }
  return verdict ?? unknown;
}

/** Node's own aborts have the code, the web's (a DOMException) only the name. */
function isAbort(part: Part): boolean {
  return part.name === 'AbortError' || part.code === 'ABORT_ERR';
}
