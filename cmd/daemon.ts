import { statSync } from 'node:fs';
import path from 'node:path';
import type { Build } from '../src/daemon/build.js';
import type { DaemonEntry } from '../src/daemon/start.js';
import { packageRoot } from '../src/package.js';
import { packageVersion } from './version.js';

/** The daemon's program in the built package. */
const program = path.join(packageRoot, 'dist/cmd/daemon-server.js');

/**
 * Run by the Node that runs the client. It stays for long and works little: what is left of a sync should go before it has
 * grown to three times 16 MB, as Node would have it.
 */
export const daemonEntry: DaemonEntry = { command: process.execPath, args: ['--max-semi-space-size=4', program] };

export function daemonBuild(): Build {
  return { version: packageVersion(), builtMs: statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
}
