import { connect, type Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { ChannelOutput } from './channel-output.js';
import type { Running } from './running.js';

export interface ForwardRequest {
  readonly host: string;
  readonly port: number;
  readonly accept: () => ServerChannel | undefined;
  readonly reject: () => void;
}

/**
 * Connects to `host:port` for the client (direct-tcpip, RFC 4254 §7.2), or rejects when nobody is there. Each side may
 * end its half first.
 */
export function runForward(request: ForwardRequest): Running {
  const { host, port } = request;
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined); // 'close' follows
  return { done: forward(socket, request), hangUp: () => socket.destroy() };
}

async function forward(socket: Socket, { accept, reject }: ForwardRequest): Promise<void> {
  const closed = new Promise<false>((resolve) => socket.once('close', () => resolve(false)));
  const connected = new Promise<true>((resolve) => socket.once('connect', () => resolve(true)));
  if (!(await Promise.race([connected, closed]))) {
    reject();
    return;
  }
  const channel = accept();
  if (channel === undefined) {
    socket.destroy();
    return;
  }
  await carry(channel, socket, closed);
}

/** Passes bytes on between both until both have ended. To be called within the call that hands over the channel. */
export async function carry(channel: ServerChannel, socket: Socket, closed: Promise<unknown>): Promise<void> {
  const output = new ChannelOutput(channel);
  // ssh2 ends stderr when the client closes the channel or is lost, whether or not its data was taken: 'close' waits.
  channel.stderr.once('finish', () => output.abandon());
  channel.pipe(socket);
  await output.copy(socket, 'stdout');
  output.endOfFile();
  socket.resume(); // whatever comes after the client has gone
  await closed;
  output.close();
}
