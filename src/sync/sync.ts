import { SidecarError } from '../errors.js';
import type { SyncRequest } from './request.js';
import type { SyncResult } from './result.js';
import { transfer, type Meeting, type Outcome } from './transfer.js';
import { withSnapshot } from './with-snapshot.js';

/**
 * Lands the working tree on a sidecar, exactly, and has it proved.
 *
 * A connection that is lost on the way is opened anew, and the landing done again: it may be repeated at any point. A sync
 * that was cut off for good is finished by the next one.
 *
 * Throws what `withSnapshot` throws, and the codes of land.ts.
 */
export async function sync(request: SyncRequest): Promise<SyncResult> {
  const startedMs = request.clock.now();
  let lost = false;
  const meet = async (within: SyncRequest, meeting: Meeting): Promise<Outcome> => {
    try {
      const outcome = await transfer(within, meeting);
      // What an attempt before has put in place, nobody has heard of.
      return lost && request.dryRun !== true ? { ...outcome, upToDate: false } : outcome;
    } catch (error) {
      lost ||= error instanceof SidecarError && error.retryable === true;
      throw error;
    }
  };
  const { result: outcome, session } = await withSnapshot(request, { subject: 'sync', meet });
  const { attempts, elapsedMs, warm = false } = session;
  const ms = { connect: Math.round(elapsedMs), total: Math.round(request.clock.now() - startedMs) };
  return { sidecar: request.sidecar, ...outcome, attempts, warm, ms: { ...outcome.ms, ...ms } };
}
