import { SidecarError } from '../errors.js';
import type { LostSession, OpenSession } from './request.js';

/** What came of it, and the session it was done over. */
export interface Done<T, S = OpenSession> {
  readonly result: T;
  readonly session: S;
}

/** What the work needs to be done over one session after another. */
export interface Sessions<S> {
  readonly open: (signal: AbortSignal, lost?: LostSession) => Promise<S>;
  readonly signal: AbortSignal;
}

/**
 * Does work over a session, and again over another one where the connection was lost on the way: work that may be
 * repeated at any point.
 */
export async function overSession<T, S extends Closable = OpenSession>(
  sessions: Sessions<S>,
  work: (session: S) => Promise<T>,
): Promise<Done<T, S>> {
  return overLastingSession(sessions, async (session) => {
    const result = await work(session);
    await session.transport.close();
    return { result, session };
  });
}

/** The same for work that goes on over its session, and sees to the end of it: it is closed here where the work throws. */
export async function overLastingSession<T, S extends Closable = OpenSession>(
  { open, signal }: Sessions<S>,
  work: (session: S) => Promise<T>,
): Promise<T> {
  for (let lost: LostSession | undefined; ;) {
    const session = await open(signal, lost);
    try {
      return await work(session);
    } catch (error) {
      await session.transport.close();
      signal.throwIfAborted();
      if (!(error instanceof SidecarError) || error.retryable !== true) throw error;
      lost = { error, attempts: session.attempts, elapsedMs: session.elapsedMs };
    }
  }
}

type Closable = Pick<OpenSession, 'attempts' | 'elapsedMs'> & {
  readonly transport: Pick<OpenSession['transport'], 'close'>;
};
