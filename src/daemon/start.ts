import { spawn } from 'node:child_process';
import type { DaemonPlace } from './place.js';

/** How to start the daemon's process. The state directory is added as the last argument. */
export interface DaemonEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/** What of a client's environment the daemon itself lives in: no secret, and nothing that only this client meant. */
const inherited = ['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'LANG', 'TZ', 'TMPDIR', 'TEMP', 'TMP'];

/** Starting takes a fraction of a second, on a busy machine a few. */
const startMs = 5_000;

/**
 * Starts the daemon as a process of its own, which outlives this one and its terminal. Resolves once it listens, or has
 * ended because another one does; and when it takes too long, or cannot be started: a client does without.
 */
export async function startDaemon(
  place: DaemonPlace,
  { entry, env }: { readonly entry: DaemonEntry; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const kept = inherited.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  await new Promise<void>((resolve) => {
    const child = spawn(entry.command, [...entry.args, place.stateDir], {
      cwd: '/',
      env: Object.fromEntries(kept),
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      windowsHide: true,
    });
    const timer = setTimeout(done, startMs);
    function done(): void {
      clearTimeout(timer);
      if (child.connected) child.disconnect();
      child.unref();
      resolve();
    }
    for (const event of ['message', 'error', 'exit', 'disconnect']) child.once(event, done);
  });
}
