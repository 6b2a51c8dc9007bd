/** The properties that an error may have, and that something else that was thrown may lack. */
export interface Part {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly retryable?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** The error and all that it was made of, its cause before its errors, each once: a cause may lead back to its own effect. */
export function* partsOf(error: unknown): Generator<Part> {
  const seen = new Set<unknown>();
  const waiting = [error];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (typeof part !== 'object' || part === null || seen.has(part)) continue;
    seen.add(part);
    yield part;
    const { cause, errors } = part as Part;
    if (Array.isArray(errors)) waiting.push(...(errors as unknown[]).toReversed());
    waiting.push(cause);
  }
}
