import type { WatchOptions } from './client-options.js';
import type { WorkingTree } from './git/working-tree.js';
import { runAfterLanding } from './run/after-landing.js';
import { LatestRun } from './run/latest-run.js';
import type { Session } from './session/session.js';
import type { SyncRequest } from './sync/request.js';
import { sync } from './sync/sync.js';
import { Unlanded } from './sync/unlanded.js';
import { watch } from './watch/watch.js';

export interface Watching extends Pick<WatchOptions, 'adopt' | 'onLanded' | 'run' | 'afterLanding'> {
  readonly tree: WorkingTree;
  readonly request: SyncRequest;
  readonly session: Session;
  /** Is given what is to be called when the connection was lost. */
  readonly onReady: (lost: () => void) => void;
}

/** Lands, and then each change as it happens; and runs, on each landing that changed something, what is to be run on it. */
export async function watchAndRun(watching: Watching): Promise<never> {
  const { tree, request, session, onReady, adopt = false, onLanded, run, afterLanding } = watching;
  const { clock, env, rules, signal, emit, stateDir } = request;
  const latest = run === undefined ? undefined : new LatestRun({ ...run, clock, signal, emit });
  const unlanded = new Unlanded();
  let hasLanded = false;
  let owesRun = latest !== undefined;
  let owesAfter = false;
  try {
    return await watch({
      ...{ tree, stateDir, env, rules, clock, signal, emit, onReady },
      look: (within) => unlanded.look({ ...request, signal: within }),
      land: async (within, { wake }) => {
        const open: SyncRequest['open'] = (asking, lost) => request.open(asking, lost, { wake });
        const result = await sync({ ...request, open, signal: within, adopt: adopt && !hasLanded });
        hasLanded = true;
        unlanded.landed(result);
        onLanded?.(result);
        const { connection: transport } = session;
        const { workspace } = result;
        if (latest !== undefined && !result.upToDate) owesRun = true;
        owesAfter ||= afterLanding !== undefined && !result.upToDate;
        if (transport === undefined) return;
        const place = { transport, workspace };
        if (afterLanding !== undefined && owesAfter) {
          // What runs on the landing before does not go on beside it.
          await latest?.stop();
          owesAfter = false;
          const isReady = await runAfterLanding(place, afterLanding, { clock, emit, signal: within });
          owesRun = isReady && latest !== undefined;
        }
        if (latest !== undefined && owesRun) owesRun = !(await latest.start(place));
      },
    });
  } finally {
    await latest?.close();
  }
}
