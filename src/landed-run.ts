import { SidecarError } from './errors.js';
import { startAfterLanding } from './run/after-another.js';
import type { Execution, ExecutionRequest } from './run/execution.js';
import type { Session } from './session/session.js';
import { overLastingSession } from './sync/over-session.js';
import type { LostSession, SyncRequest } from './sync/request.js';
import type { SyncResult } from './sync/result.js';
import { sync } from './sync/sync.js';

export interface LandedRun extends Omit<ExecutionRequest, 'workspace'> {
  /** What is to land. */
  readonly request: SyncRequest;
  /** Ends with the command, or where it does not begin. */
  readonly session: Session;
  readonly open: ReturnType<Session['borrower']>;
  /** Called after the landing, before the command starts. */
  readonly onLanded?: (result: SyncResult) => void;
}

/**
 * Lands, and starts a command in the workspace over the same connection: only on a landing that is proved. Where the
 * connection is lost before the command can have begun, both are done again.
 */
export async function landAndStart({ request, session, open, onLanded, ...execution }: LandedRun): Promise<Execution> {
  const { clock, signal } = request;
  const land = async (_: AbortSignal, before?: LostSession) => {
    // Of the connection that the landing was proved on, and of no other.
    const used: { connection?: Awaited<ReturnType<typeof open>>['connection'] } = {};
    const landed = await sync({
      ...request,
      open: async (within, again) => {
        const lent = await open(within, again ?? before);
        used.connection = lent.connection;
        return lent;
      },
    });
    const { verified, workspace, attempts, ms } = landed;
    const { connection } = used;
    if (!verified || connection === undefined) throw new SidecarError('sync.not_proved', { workspace });
    onLanded?.(landed);
    // It is the session that is closed, in the end.
    return { connection, workspace, attempts, elapsedMs: ms.connect, transport: { close: () => Promise.resolve() } };
  };
  try {
    return await overLastingSession({ open: land, signal }, async ({ connection, workspace }) => {
      const started = await startAfterLanding(connection, { ...execution, workspace }, { clock, signal });
      const close = (): void => void session.close();
      started.ended.then(close, close);
      return started;
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}
