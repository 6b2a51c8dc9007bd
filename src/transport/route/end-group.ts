import type { ChildProcess } from 'node:child_process';
import { signalGroup } from './signal-group.js';

/** How long a program has to end by itself, in milliseconds. */
const patienceMs = 2_000;
/** How long it may take to end when it is killed. */
const dyingMs = 500;

const started = new Set<ChildProcess>();

/** Has a program that was started `detached` end with this process, and all that it started in its process group. */
export function endWithProcess(child: ChildProcess): void {
  if (started.size === 0) process.on('exit', killAll);
  started.add(child);
}

/** It has ended by itself. Its process id may be another's soon. */
export function forgetEnded(child: ChildProcess): void {
  started.delete(child);
  if (started.size === 0) process.off('exit', killAll);
}

/** Ends it now: as the end of a terminal would, and for good where that is not enough. Resolves when it is gone. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) {
    forgetEnded(child); // it was never started
    return;
  }
  signalGroup(pid, 'SIGHUP');
  signalGroup(pid, 'SIGTERM');
  const startedMs = performance.now();
  // Nobody tells when the last of a group has ended: it is looked for, first often and then seldom.
  for (let pauseMs = 2; signalGroup(pid, 0); pauseMs = Math.min(pauseMs * 2, 100)) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs > patienceMs) signalGroup(pid, 'SIGKILL');
    if (elapsedMs > patienceMs + dyingMs) break;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  forgetEnded(child);
}

/** This process ends, and nobody is left to wait. */
function killAll(): void {
  for (const { pid } of started) if (pid !== undefined) signalGroup(pid, 'SIGKILL');
}
