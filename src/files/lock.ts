import { rmdir, stat } from 'node:fs/promises';
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
  let seen = { touchedMs: NaN, sinceMs: 0 };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await lock(path, { ...quietly, stale: Infinity, update: staleMs / 2 });
    } catch (error) {
      if (errorCode(error) !== 'ELOCKED') throw unwritable(path, error);
      const touchedMs = await lastTouchedMs(path);
      if (touchedMs === undefined) continue;
      if (touchedMs !== seen.touchedMs) seen = { touchedMs, sinceMs: performance.now() };
      // By its date, or, where the clock was set back since, by our own watch.
      const isDead = Date.now() - touchedMs > staleMs || performance.now() - seen.sinceMs > staleMs;
      if (isDead && (await clear(path, touchedMs))) continue;
      if (performance.now() >= deadline) throw new SidecarError('state.busy', { path }, { cause: error });
      await sleep(pollMs);
    }
  }
}

const quietly = { realpath: false, onCompromised: () => undefined };

/**
 * Removes the lock of a dead holder, which nobody has touched since `touchedMs`: one process at a time and after another
 * look, for the second to find it dead would otherwise remove the new holder's lock. (So does the library, left to
 * itself.) False when another process is at it.
 */
async function clear(path: string, touchedMs: number): Promise<boolean> {
  const { lock } = (await import('proper-lockfile')).default;
  const done = await lock(`${path}.clearing`, { ...quietly, stale: staleMs }).catch(() => undefined);
  if (done === undefined) return false;
  try {
    if ((await lastTouchedMs(path)) === touchedMs) await rmdir(`${path}.lock`);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true; // it was let go after all
    throw unwritable(path, error);
  } finally {
    await done().catch(() => undefined);
  }
}

/** Undefined when there is no lock any more. */
async function lastTouchedMs(path: string): Promise<number | undefined> {
  return stat(`${path}.lock`).then(
    ({ mtimeMs }) => mtimeMs,
    (error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw unwritable(path, error);
    },
  );
}
