import { existsSync, readFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.js';

/** Resolves once a process that is not ours to wait for has ended; a test's own time limit ends a wait in vain. */
export async function processEnded(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}/stat`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) {
    await systemClock.sleep(10);
  }
}
