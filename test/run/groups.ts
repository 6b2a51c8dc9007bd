import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.js';

/** Whether any process of a group is alive: one that has ended and waits for its parent is not. */
export function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(stateAndGroup).some(([state, its]) => Number(its) === group && state !== 'Z');
}

/** From `/proc/PID/stat`, proc(5): `PID (NAME) STATE PARENT GROUP …`. Empty for one that has gone meanwhile. */
function stateAndGroup(process: string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
    const [state = '', , group = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [state, group];
  } catch {
    return [];
  }
}

/** True once nothing of it is left; the test's own time limit ends a wait in vain. */
export async function gone(group: number): Promise<boolean> {
  while (isAlive(group)) await systemClock.sleep(10);
  return true;
}
