import { SidecarError, type Facts } from '../errors.js';

/** The same error, which says that there may be a machine all the same. What no provider has said means that anyway. */
export function maybeApplied(error: unknown): unknown {
  return error instanceof SidecarError ? saying(error, { ...error.facts, maybeApplied: true }) : error;
}

/** Whether it leaves open what was done. What was not said by a provider, says nothing of that. */
export function mayBeApplied(error: unknown): boolean {
  return !(error instanceof SidecarError) || error.facts['maybeApplied'] === true;
}

/** What went wrong first, once what was made by then is removed; where it cannot be, the error says that there may be some. */
export async function removedAfter(error: unknown, remove: () => Promise<unknown>): Promise<unknown> {
  const isGone = await remove().then(
    () => true,
    () => false,
  );
  if (!isGone) return maybeApplied(error);
  if (!(error instanceof SidecarError)) return error;
  return saying(error, Object.fromEntries(Object.entries(error.facts).filter(([name]) => name !== 'maybeApplied')));
}

function saying({ code, cause, retryable }: SidecarError, facts: Facts): SidecarError {
  return new SidecarError(code, facts, { cause, ...(retryable === undefined ? {} : { retryable }) });
}
