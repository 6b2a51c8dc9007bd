import { systemClock } from '../src/clock.js';
import { serveLocal } from '../src/provider/local/serve.js';

/**
 * The background process of a local sidecar. Its one argument is the sidecar's directory; its output is the log there.
 * Nobody runs it by hand: src/provider/local/server-process.ts does.
 */
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: local-server <directory>');

const end = new AbortController();
process.once('SIGTERM', () => end.abort());
process.on('SIGHUP', () => undefined); // the terminal that started it may go
process.umask(0o022); // that of a machine of its own, for what commands create

serveLocal({
  directory,
  env: process.env,
  clock: systemClock,
  signal: end.signal,
  // Whoever started us waits for this, unless it is gone itself.
  onStarted: () => process.connected && process.send?.('started', () => undefined),
}).then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
