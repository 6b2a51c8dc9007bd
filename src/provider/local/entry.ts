import path from 'node:path';
import { packageRoot } from '../../package.js';
import type { ServerEntry } from './server-process.js';

/** The server's program in the built package, for this Node. */
export function localServerEntry(): ServerEntry {
  return { command: process.execPath, args: [path.join(packageRoot, 'dist/cmd/local-server.js')] };
}
