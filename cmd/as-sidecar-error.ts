import { SidecarError } from '../src/errors.js';

/** Whatever was thrown, as an error that has words: what nobody expected is `internal`. */
export function asSidecarError(thrown: unknown): SidecarError {
  if (thrown instanceof SidecarError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new SidecarError('internal', { reason }, { cause: thrown });
}
