import type { SyncRequest } from './request.js';
import type { SyncResult } from './result.js';
import { transfer } from './transfer.js';
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
  const { result: outcome, session } = await withSnapshot(request, { subject: 'sync', meet: transfer });
  const { attempts, elapsedMs, warm = false } = session;
  const ms = { connect: Math.round(elapsedMs), total: Math.round(request.clock.now() - startedMs) };
  return { sidecar: request.sidecar, ...outcome, attempts, warm, ms: { ...outcome.ms, ...ms } };
}
