import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup } from '../../transport/route/signal-group.js';

/** What a command gets between being told to end and being ended: long enough to end what it started itself. */
const graceMs = 4000;
const pollMs = 50;

/**
 * Ends the process group that `leader` began: hang-up, as from a terminal that is closed, then kill, at once when
 * `force` is aborted. Resolves when the group is gone or the last signal sent.
 */
export async function endProcessGroup(leader: number, force: AbortSignal): Promise<void> {
  if (!signalGroup(leader, 'SIGHUP')) return;
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline && !force.aborted) {
    await sleep(pollMs, undefined, { signal: force }).catch(() => undefined);
    if (!signalGroup(leader, 0)) return;
  }
  signalGroup(leader, 'SIGKILL');
}
