import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FarSide } from '../../sync/far-side.js';

/** A user without rights: Linux's "nobody". */
const uid = 65534;
const command = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'] as const;

/** Makes over all that is below a directory, and lets the user get there. */
export function giveAway(directory: string): void {
  execFileSync('chown', ['-R', `${uid}:${uid}`, directory]);
  chmodSync(path.dirname(directory), 0o755);
}

/** A login shell over there that is not root's. The far home is made over to that user. */
export function unprivilegedLogin(side: FarSide): string {
  giveAway(side.home);
  const shell = path.join(path.dirname(side.home), 'login');
  writeFileSync(shell, `#!/bin/sh\nexec ${command.join(' ')} /bin/sh "$@"\n`, { mode: 0o755 });
  return shell;
}

/** Runs this process as that user for a while, with all that it starts. */
export async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  process.seteuid?.(uid);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}
