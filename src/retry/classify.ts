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

/** The properties that an error may have, and that something else that was thrown may lack. */
interface Part {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly retryable?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** The error and all that it was made of, each once: a cause may lead back to its own effect. */
function* partsOf(error: unknown): Generator<Part> {
  const seen = new Set<unknown>();
  const waiting = [error];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (typeof part !== 'object' || part === null || seen.has(part)) continue;
    seen.add(part);
    const { cause, errors } = part as Part;
    waiting.push(cause);
    if (Array.isArray(errors)) waiting.push(...(errors as unknown[]));
    yield part;
  }
}

/** Node's own aborts have the code, the web's (a DOMException) only the name. */
function isAbort(part: Part): boolean {
  return part.name === 'AbortError' || part.code === 'ABORT_ERR';
}
