import { SidecarError } from '../src/errors.js';
import type { SyncResult } from '../src/sync/result.js';
import { runAfterLanding, type AfterLanding } from './after-landing.js';
import { land, type SyncFlags } from './commands/sync.js';
import type { Context } from './context.js';

/**
 * Lands what a command is to run on, and runs what the settings want run on each landing that changed something. Throws
 * `sync.not_proved` where the landing is not proved.
 */
export async function landProved(
  context: Context,
  {
    sidecar,
    flags,
    after,
    onLanded,
  }: {
    readonly sidecar: string;
    readonly flags: SyncFlags;
    readonly after: AfterLanding | undefined;
    readonly onLanded: (result: SyncResult) => void;
  },
): Promise<SyncResult> {
  const result = await land({ ...context, sidecar }, flags);
  const { verified, workspace, upToDate } = result;
  if (!verified) throw new SidecarError('sync.not_proved', { workspace });
  onLanded(result);
  if (after !== undefined && !upToDate) await runAfterLanding(context, after, { result, flags });
  return result;
}
