import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.js';

/** Whether a process that is not ours to wait for has ended, be it that nobody has fetched its exit code yet. */
export function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true; // it is gone, maybe while we looked
  }
}

/** Resolves once it has ended; a test's own time limit ends a wait in vain. */
export async function processEnded(pid: number): Promise<void> {
  while (!hasEnded(pid)) await systemClock.sleep(10);
}
