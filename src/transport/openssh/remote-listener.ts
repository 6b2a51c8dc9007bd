import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Incoming } from '../transport.js';

/**
 * Where ssh leads what comes in over there: a socket of this machine. Each connection to it is one over there, and is
 * as much as that.
 */
export class IncomingSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #stopped: Promise<void> | undefined;

  private constructor(path: string, onConnection: (incoming: Incoming) => void) {
    this.path = path;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#open.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#open.delete(socket));
      onConnection({
        accept: () => (socket.destroyed ? undefined : socket),
        refuse: () => void socket.destroy(),
      });
    });
  }

  /** `path` has to be in a directory that is ours alone. */
  static async listen(path: string, onConnection: (incoming: Incoming) => void): Promise<IncomingSocket> {
    const incoming = new IncomingSocket(path, onConnection);
    incoming.#server.listen(path);
    await once(incoming.#server, 'listening');
    return incoming;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Takes nothing more; what came in before goes on. May be called twice. */
  stop(): Promise<void> {
    this.#server.close();
    return (this.#stopped ??= rm(this.path, { force: true }));
  }

  /** Ends also what came in. */
  destroy(error: Error): void {
    void this.stop();
    for (const socket of this.#open) socket.destroy(error);
  }
}
