import type { Context } from './context.js';

/** How long the end of a command waits for what it has begun to exchange with a server, in milliseconds. */
const soonMs = 10_000;

/**
 * As `finishing`, but for 10 s from the interruption or the command's end on, and no longer: a server that does not answer
 * does not keep the user. A second Ctrl-C ends the process at once, as ever.
 */
export function finishingSoon({ finishing, ending, clock }: Pick<Context, 'finishing' | 'ending' | 'clock'>) {
  return <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    const ends = new Promise<void>((resolve) => {
      ending.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      if (ending.aborted) resolve();
    });
    const late = ends.then(() => clock.sleep(soonMs, over.signal));
    const end = Promise.race([work, late]).finally(() => over.abort());
    for (const each of [late, finishing(end)]) each.catch(() => undefined);
    return work;
  };
}
