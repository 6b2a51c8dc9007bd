import { statSync } from 'node:fs';
import path from 'node:path';
import type { Build } from '../src/daemon/build.js';
import type { DaemonEntry } from '../src/daemon/start.js';
import { packageRoot } from '../src/package.js';
import { packageVersion } from './version.js';

/** The daemon's program in the built package. */
const program = path.join(packageRoot, 'dist/cmd/daemon-server.js');

/** Run by the Node that runs the client. */
export const daemonEntry: DaemonEntry = { command: process.execPath, args: [program] };

export function daemonBuild(): Build {
  return { version: packageVersion(), builtMs: statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
}
