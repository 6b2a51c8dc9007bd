import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { carry } from './forward.js';
import type { Running } from './running.js';

/** Where to listen for a client, as it asked for it. */
export interface Wanted {
  readonly bindAddr: string;
  readonly bindPort: number;
}

export interface ClientListener extends Running {
  readonly port: number;
}

/**
 * Listens for the client (tcpip-forward, RFC 4254 §7.1): on the loopback interface alone, whatever address was asked for, as
 * sshd does by default. Each connection is `keep`t. Rejects with the system's error where the port cannot be had.
 */
export async function listenForClient(
  client: Connection,
  { bindAddr, bindPort }: Wanted,
  keep: (running: Running) => void,
): Promise<ClientListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    keep(runIncoming(client, socket, { bindAddr, bindPort: port })),
  );
  server.listen({ host: '127.0.0.1', port: bindPort, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.on('error', () => undefined); // one connection less, out of file descriptors
  const closed = once(server, 'close').then(() => undefined);
  return { port, done: closed, hangUp: () => void server.close() };
}

function runIncoming(client: Connection, socket: Socket, { bindAddr, bindPort }: Wanted): Running {
  socket.on('error', () => undefined); // 'close' follows
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const { remoteAddress = '', remotePort = 0 } = socket;
  client.forwardOut(bindAddr, bindPort, remoteAddress, remotePort, (error, channel) => {
    if (error === undefined) void carry(channel, socket, closed);
    else socket.destroy();
  });
  return { done: closed, hangUp: () => socket.destroy() };
}
