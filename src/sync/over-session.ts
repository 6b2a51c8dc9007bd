import { SidecarError } from '../errors.js';
import type { LostSession, OpenSession, SyncRequest } from './request.js';

/** What came of it, and the session it was done over. */
export interface Done<T> {
  readonly result: T;
  readonly session: OpenSession;
}

/**
 * Does work over a session, and again over another one where the connection was lost on the way: work that may be
 * repeated at any point.
 */
export async function overSession<T>(
  { open, signal }: Pick<SyncRequest, 'open' | 'signal'>,
  work: (session: OpenSession) => Promise<T>,
): Promise<Done<T>> {
  for (let lost: LostSession | undefined; ;) {
    const session = await open(signal, lost);
    try {
      return { result: await work(session), session };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SidecarError) || error.retryable !== true) throw error;
      lost = { error, attempts: session.attempts, elapsedMs: session.elapsedMs };
    } finally {
      await session.transport.close();
    }
  }
}
