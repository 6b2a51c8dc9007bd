import { fileURLToPath } from 'node:url';
import type { ServerEntry } from './server-process.js';

/** The server's program in the built package, `dist/cmd/local-server.js`, for this Node. */
export function localServerEntry(): ServerEntry {
  const program = new URL('../../../cmd/local-server.js', import.meta.url);
  return { command: process.execPath, args: [fileURLToPath(program)] };
}
