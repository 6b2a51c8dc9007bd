import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface TcpServer extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many connections it has accepted. */
  readonly connections: number;
  /** Resolves once no connection is open. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** A raw TCP server: what `greet` does is all that a client meets. */
export async function startTcpServer(greet: (socket: Socket) => void): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    greet(socket);
    // Unread, it would not notice that the client left.
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    idle: async () => {
      // Not by `once`: a socket may close with an error.
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** All that is said on one half of a stream. The other half stays as it is, where `stream/consumers` would end it too. */
export function readHalf(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => resolve(Buffer.concat(chunks))).once('error', reject);
  });
}

/** Resolves once the other side has ended the connection, in whatever way. */
export function isOver(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['end', 'error', 'close']) socket.once(event, () => resolve());
    socket.resume();
  });
}

/** A server's identification string, RFC 4253 §4.2. */
export const sshBanner = 'SSH-2.0-OpenSSH_9.9\r\n';

/** SSH_MSG_DISCONNECT (RFC 4253 §11.1) as it is sent before any key exchange. */
export function disconnectPacket(reason: number, description: string): Buffer {
  const text = Buffer.from(description);
  const payload = Buffer.alloc(1 + 4 + 4 + text.length + 4);
  payload.writeUInt8(1, 0);
  payload.writeUInt32BE(reason, 1);
  payload.writeUInt32BE(text.length, 5);
  text.copy(payload, 9);
  // RFC 4253 §6: a multiple of 8 bytes in all, and at least 4 of padding.
  const paddingBytes = 4 + ((8 - ((4 + 1 + payload.length + 4) % 8)) % 8);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + paddingBytes, 0);
  head.writeUInt8(paddingBytes, 4);
  return Buffer.concat([head, payload, Buffer.alloc(paddingBytes)]);
}

/** How a connection ends: reset, as when a machine dies; closed in good order, as by a proxy; or never, in silence. */
export type Misbehaviour = 'reset' | 'finish' | 'freeze';

export interface CuttableProxy extends TcpServer {
  /** Resets every connection, as when a machine dies. */
  reset(): void;
  /** Ends every connection in good order, as when a proxy closes it. */
  finish(): void;
  /** Passes nothing on any more, in either direction, and keeps the connections open. */
  freeze(): void;
  /** Does that to the next connection once it has passed so many bytes on in one direction, seen from the client. */
  next(misbehave: Misbehaviour, after: { readonly sentBytes: number } | { readonly receivedBytes: number }): void;
  /** Does that to the connections that there are, counting from now. */
  current: CuttableProxy['next'];
}

/** Passes bytes on to `port` on loopback until told to misbehave. */
export async function startProxy(port: number): Promise<CuttableProxy> {
  const links = new Set<Link>();
  let plan: ((link: Link) => void) | undefined;
  const proxy = await startTcpServer((near) => {
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    const link = new Link(near.setNoDelay(true), far);
    links.add(link);
    near.on('close', () => links.delete(link));
    plan?.(link);
    plan = undefined;
  });
  return Object.assign(proxy, {
    reset: () => links.forEach((link) => link.reset()),
    finish: () => links.forEach((link) => link.finish()),
    freeze: () => links.forEach((link) => link.freeze()),
    next: (misbehave: Misbehaviour, after: { sentBytes?: number; receivedBytes?: number }) => {
      plan = (link) => link.plan(misbehave, after);
    },
    current: (misbehave: Misbehaviour, after: { sentBytes?: number; receivedBytes?: number }) => {
      for (const link of links) link.plan(misbehave, after);
    },
  });
}

/** One connection that passes through a proxy. */
class Link {
  readonly #near: Socket;
  readonly #far: Socket;

  constructor(near: Socket, far: Socket) {
    this.#near = near;
    this.#far = far;
    near.pipe(far).pipe(near);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
  }

  reset(): void {
    this.#near.resetAndDestroy();
  }

  finish(): void {
    this.#far.unpipe(this.#near);
    this.#near.end();
  }

  freeze(): void {
    this.#near.unpipe(this.#far).pause();
    this.#far.unpipe(this.#near).pause();
  }

  /** Passes no byte more than that on. */
  plan(misbehave: Misbehaviour, { sentBytes, receivedBytes }: { sentBytes?: number; receivedBytes?: number }): void {
    const [from, to] = sentBytes === undefined ? [this.#far, this.#near] : [this.#near, this.#far];
    let left = sentBytes ?? receivedBytes ?? Infinity;
    from.unpipe(to);
    const pass = (chunk: Buffer): void => {
      to.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      from.off('data', pass);
      this[misbehave]();
    };
    from
      .on('data', pass)
      .on('end', () => to.end())
      .resume();
  }
}
