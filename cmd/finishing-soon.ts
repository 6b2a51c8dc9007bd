import type { Context } from './context.js';

/** How long the end of a command waits for what it has begun to exchange with a server, in milliseconds. */
const soonMs = 10_000;

/**
 * As `finishing`, but for 10 s from the interruption on, and no longer: a server that does not answer does not keep the
 * user. A second Ctrl-C ends the process at once, as ever.
 */
export function finishingSoon({ finishing, signal, clock }: Pick<Context, 'finishing' | 'signal' | 'clock'>) {
  return <T>(work: Promise<T>): Promise<T> => {
    const interrupted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    const over = new AbortController();
    const late = interrupted.then(() => clock.sleep(soonMs, over.signal));
    const end = Promise.race([work, late]).finally(() => over.abort());
    for (const each of [late, finishing(end)]) each.catch(() => undefined);
    return work;
  };
}
