import type { Clock } from '../clock.js';

/**
 * Waits for `work` for `ms` at most: then throws what `late` makes, and on abort the signal's reason. The work itself
 * goes on unheard, so this is only for work that leaves nothing open.
 */
export async function within<T>(
  work: Promise<T>,
  { ms, clock, signal, late }: { ms: number; clock: Clock; signal?: AbortSignal | undefined; late: () => Error },
): Promise<T> {
  const finished = new AbortController();
  const limit = clock.sleep(ms, signal === undefined ? finished.signal : AbortSignal.any([signal, finished.signal]));
  try {
    return await Promise.race([
      work,
      limit.then(() => {
        throw late();
      }),
    ]);
  } finally {
    finished.abort();
  }
}
