import { systemClock } from '../src/clock.js';
import { openLog } from '../src/daemon/log.js';
import { daemonPlace } from '../src/daemon/place.js';
import { serveDaemon } from '../src/daemon/serve.js';
import { daemonBuild } from './daemon.js';

/**
 * The daemon's process. Its one argument is the state directory. Nobody runs it by hand: the first command that needs a
 * session does.
 */
const [stateDir] = process.argv.slice(2);
if (stateDir === undefined) throw new Error('usage: daemon-server <state directory>');

process.umask(0o077);
process.on('SIGHUP', () => undefined); // the terminal that started it may go
process.on('SIGINT', () => undefined);

void serve(stateDir);

async function serve(stateDir: string): Promise<never> {
  const place = await daemonPlace(stateDir, { platform: process.platform, uid: process.getuid?.() });
  const log = openLog(place.log);
  process.on('uncaughtException', (error) => {
    log.write('crashed', { message: error.message, stack: error.stack });
    process.exit(1);
  });
  try {
    const world = { build: daemonBuild(), clock: systemClock, timeOfDay: () => Date.now() };
    const server = await serveDaemon({ place, log, ...world });
    process.once('SIGTERM', () => server?.stop('it got SIGTERM'));
    if (process.connected) process.send?.('ready', () => process.connected && process.disconnect());
    await server?.ended();
    process.exit();
  } catch (error) {
    log.write('not started', { message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}
