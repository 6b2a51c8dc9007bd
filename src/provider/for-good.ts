import { SidecarError } from '../errors.js';

/** The same error, which nobody answers by trying again, whatever it said of that. */
export function forGood(error: unknown): unknown {
  if (!(error instanceof SidecarError)) return error;
  return new SidecarError(error.code, error.facts, { cause: error.cause, retryable: false });
}
