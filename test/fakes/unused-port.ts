import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of the loopback interface on which nobody listens, for a server that starts later, or again, or never. It is below
 * those that systems give out by themselves: no server or connection of other tests gets it meanwhile.
 */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const isUnused = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isUnused) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
