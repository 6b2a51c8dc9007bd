import { readFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';

/** Whether any process of a group is alive: one that has ended and waits for its parent is not. */
export function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  try {
    return !readFileSync(path.join('/proc', String(group), 'stat'), 'utf8').includes(') Z ');
  } catch {
    return true; // the leader has gone, others have not
  }
}

/** True once nothing of it is left; the test's own time limit ends a wait in vain. */
export async function gone(group: number): Promise<boolean> {
  while (isAlive(group)) await systemClock.sleep(10);
  return true;
}
