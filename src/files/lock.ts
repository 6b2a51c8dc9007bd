import { setTimeout as sleep } from 'node:timers/promises';
import { SidecarError } from '../errors.js';
import { errorCode, unwritable } from './private-files.js';

/** A holder that has not touched its lock for this long is dead: the lock is taken over. */
const staleMs = 10_000;
const pollMs = 50;

/** Longer than `staleMs`, so that a crashed holder costs a wait and never an error. */
const defaultWaitMs = 15_000;

/**
 * Runs `action` while holding the lock of `path` (a directory `<path>.lock`, whose parent must exist) against every
 * other process and every other caller in this one. Not reentrant.
 *
 * Waits for at most `waitMs`, in real time because the holder is usually another process; then throws `state.busy`. An
 * abort ends the wait at once, with the signal's reason.
 */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  { waitMs = defaultWaitMs, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const release = await acquire(path, performance.now() + waitMs, signal);
  try {
    return await action();
  } finally {
    // Fails only when the machine slept for so long inside `action` that another process took the lock over.
    await release().catch(() => undefined);
  }
}

async function acquire(path: string, deadline: number, signal?: AbortSignal): Promise<() => Promise<void>> {
  const { lock } = (await import('proper-lockfile')).default;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await lock(path, { realpath: false, stale: staleMs, onCompromised: () => undefined });
    } catch (error) {
      if (errorCode(error) !== 'ELOCKED') throw unwritable(path, error);
      if (performance.now() >= deadline) throw new SidecarError('state.busy', { path }, { cause: error });
      await sleep(pollMs);
    }
  }
}
