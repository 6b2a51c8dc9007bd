import { connect, type Socket } from 'node:net';
import type { Emit } from '../events.js';
import type { Address, Incoming, RemoteListener, Transport } from '../transport/transport.js';
import { breakOff, join } from './join.js';
import { addressText, type ForwardSpec } from '../transport/forward-spec.js';

/** A port on the sidecar that leads to this machine. */
export class RemoteForward {
  readonly #spec: ForwardSpec;
  readonly #emit: Emit;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #isRefusing = false;

  constructor(spec: ForwardSpec, emit: Emit) {
    this.#spec = spec;
    this.#emit = emit;
    this.#port = spec.listen.port;
  }

  /** With the real port, once the sidecar has listened. */
  get listen(): Address {
    return { host: this.#spec.listen.host, port: this.#port };
  }

  get target(): Address {
    return this.#spec.target;
  }

  /** Has the sidecar listen: on a later connection at the same port as before. Throws what `Transport.listen` throws. */
  async start(transport: Transport): Promise<RemoteListener> {
    const { host, port } = this.listen;
    const address = { host: host === '*' ? '' : host, port };
    const listener = await transport.listen(address, (incoming) => this.#connect(incoming));
    this.#port = listener.port;
    return listener;
  }

  /** Ends its connections. */
  close(): void {
    for (const socket of this.#sockets) breakOff(socket);
  }

  #connect(incoming: Incoming): void {
    const socket = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    this.#sockets.add(socket);
    const refused = (error: NodeJS.ErrnoException): void => {
      incoming.refuse();
      this.#tell(error);
    };
    socket.on('error', () => undefined).once('error', refused);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.once('connect', () => {
      socket.off('error', refused);
      this.#isRefusing = false;
      const stream = incoming.accept();
      if (stream === undefined) breakOff(socket);
      else join(socket, stream);
    });
  }

  #tell(error: NodeJS.ErrnoException): void {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    const [listen, target] = [addressText(this.listen), addressText(this.target)];
    const { code = '' } = error;
    this.#emit({ kind: 'forward.refused', side: 'there', listen, target, reason: words[code] ?? error.message });
  }
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'that name does not resolve',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ETIMEDOUT: 'no answer',
};
