import { SidecarError } from '../errors.js';
import type { LostSession, OpenSession } from './request.js';

/** What came of it, and the session it was done over. */
export interface Done<T, S = OpenSession> {
  readonly result: T;
  readonly session: S;
}

/**
 * Does work over a session, and again over another one where the connection was lost on the way: work that may be
 * repeated at any point.
 */
export async function overSession<T, S extends Closable = OpenSession>(
  {
    open,
    signal,
  }: { readonly open: (signal: AbortSignal, lost?: LostSession) => Promise<S>; readonly signal: AbortSignal },
  work: (session: S) => Promise<T>,
): Promise<Done<T, S>> {
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

type Closable = Pick<OpenSession, 'attempts' | 'elapsedMs'> & {
  readonly transport: Pick<OpenSession['transport'], 'close'>;
};
