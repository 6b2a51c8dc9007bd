import path from 'node:path';
import { withLock } from '../files/lock.js';
import { checkPrivateDirectory, makePrivateDirectory } from '../files/private-files.js';
import { askDaemon } from './client.js';
import { DaemonServer, type ServerOptions } from './server.js';

/**
 * Runs the daemon in this process: takes the place, unless another daemon of this build, or a newer one, lives there. An
 * older one makes room, one that hangs is left alone without its place.
 *
 * Resolves with nothing when there is no need for it. Throws `state.unwritable`, `state.exposed`, `state.busy`.
 */
export async function serveDaemon(options: ServerOptions): Promise<DaemonServer | undefined> {
  const { place, build } = options;
  for (const directory of new Set([place.directory, place.socketDirectory ?? place.directory])) {
    await makePrivateDirectory(directory);
    await checkPrivateDirectory(directory);
  }
  // One at a time: two that find nobody there would both take the place.
  return withLock(path.join(place.directory, 'start'), async () => {
    const answer = await askDaemon({ command: 'ping' }, { place, build });
    if (answer.kind === 'result' || answer.why === 'newer') return undefined;
    const server = new DaemonServer(options);
    await server.listen();
    return server;
  });
}
