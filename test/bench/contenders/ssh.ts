import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { machineName } from '../bed.js';
import type { Start } from '../contender.js';
import { run } from '../run.js';

/** `ssh` and its options as words without spaces: one connection for each command, or one that is `shared` by all. */
export function sshWords({ bed, port, keep }: Start, connection: 'own' | 'shared'): readonly [string, ...string[]] {
  const options = [
    // Nothing of this user's own ssh configuration, and no key but the one.
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${bed.knownHosts}`,
    `HostKeyAlias=${machineName}`,
    `ControlPath=${connection === 'own' ? 'none' : path.join(keep, 'master')}`,
  ].flatMap((option) => ['-o', option]);
  return ['ssh', '-F', 'none', '-p', String(port), '-i', bed.key.path, ...options];
}

export interface Master {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Opens the connection that is shared, and returns once it stands. */
export async function startMaster(start: Start): Promise<Master> {
  const { bed, host, signal } = start;
  const [ssh, ...words] = sshWords(start, 'shared');
  const far = `${bed.sshd.user}@${host}`;
  // In the foreground, so that it is ours to end.
  const child = spawn(ssh, [...words, '-M', '-N', far], { env: bed.env, stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  const place = { cwd: start.keep, env: bed.env, signal };
  try {
    for (;;) {
      const stands = await run(ssh, [...words, '-O', 'check', far], place).catch(() => undefined);
      if (stands !== undefined && child.pid !== undefined) return { pid: child.pid, stop };
      if (child.exitCode !== null) throw new Error(`ssh -M ended with ${child.exitCode}`);
      await systemClock.sleep(20, signal);
    }
  } catch (error) {
    await stop();
    throw error;
  }
}
