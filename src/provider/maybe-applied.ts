import { SidecarError } from '../errors.js';

/** The same error, which says that there may be a machine all the same. What no provider has said means that anyway. */
export function maybeApplied(error: unknown): unknown {
  if (!(error instanceof SidecarError)) return error;
  const { cause, retryable } = error;
  const facts = { ...error.facts, maybeApplied: true };
  return new SidecarError(error.code, facts, { cause, ...(retryable === undefined ? {} : { retryable }) });
}
