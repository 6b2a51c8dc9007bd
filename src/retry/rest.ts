import { SidecarError } from '../errors.js';

/** How long the other side wants to be left alone after this error, in milliseconds: what its fact `retryAfterMs` says. */
export function restMs(error: unknown): number {
  const ms = error instanceof SidecarError ? error.facts['retryAfterMs'] : undefined;
  return typeof ms === 'number' ? ms : 0;
}
