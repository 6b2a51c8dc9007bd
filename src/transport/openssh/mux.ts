import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SidecarError } from '../../errors.js';
import type { Address } from '../transport.js';
import { WireReader } from '../wire-reader.js';
import { uint32, wireString } from '../wire-writer.js';
import { Frames } from './frames.js';

/** The messages of OpenSSH's PROTOCOL.mux that are used here. */
const hello = 1;
const version = 4;
const openForward = 0x10000006;
const closeForward = 0x10000007;
const startProxy = 0x1000000f;
const ok = 0x80000001;
const remotePort = 0x80000007;
const proxying = 0x8000000f;

const remoteForward = 2;
/** The port of an address that is the path of a socket. */
const isPath = 0xfffffffe;

/**
 * One connection to the socket on which an `ssh -M` takes others onto its own connection.
 *
 * A question rejects with `MuxRefused`, with `ssh.protocol` for what nobody understands, and with any error where the
 * socket ends: its owner knows why.
 */
export class MuxClient {
  readonly socket: Socket;
  readonly #frames = new Frames();
  #asked: { readonly resolve: (answer: WireReader) => void; readonly reject: (error: unknown) => void }[] = [];
  #nextId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      const closed = new Error('ssh closed its control socket');
      for (const { reject } of this.#asked.splice(0)) reject(closed);
    });
  }

  /** Throws where nothing listens at `path`, or it does not speak the protocol. */
  static async connect(path: string): Promise<MuxClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new MuxClient(socket);
    const answer = client.#answer();
    client.#write(uint32(hello), uint32(version));
    const reader = await answer;
    const isKnown = understood(() => reader.uint32() === hello && reader.uint32() === version);
    if (!isKnown) throw notUnderstood('another version of its protocol');
    return client;
  }

  /** From then on the socket carries the messages of the connection protocol, and nothing else can be asked. */
  async proxy(): Promise<Socket> {
    await this.#ask(startProxy, [], (type, reader) => {
      if (type !== proxying) throw refused(type, reader);
    });
    this.socket.off('data', this.#onData);
    return this.socket;
  }

  /** Has the far side listen, and lead what comes in to the socket at `path`. Resolves with the port. */
  listen(address: Address, path: string): Promise<number> {
    return this.#ask(openForward, forwardDetails(address, path), (type, reader) => {
      if (type === remotePort) return reader.uint32();
      if (type !== ok) throw refused(type, reader);
      return address.port;
    });
  }

  listenNoMore(address: Address, path: string): Promise<void> {
    return this.#ask(closeForward, forwardDetails(address, path), (type, reader) => {
      if (type !== ok) throw refused(type, reader);
    });
  }

  /** The answers come in the order of the questions. */
  async #ask<T>(
    question: number,
    details: readonly Buffer[],
    read: (type: number, reader: WireReader) => T,
  ): Promise<T> {
    const id = this.#nextId++;
    const answer = this.#answer();
    this.#write(uint32(question), uint32(id), ...details);
    const reader = await answer;
    return understood(() => {
      const type = reader.uint32();
      if (reader.uint32() !== id) throw notUnderstood('an answer to another question');
      return read(type, reader);
    });
  }

  #answer(): Promise<WireReader> {
    return new Promise((resolve, reject) => {
      if (this.socket.closed) reject(new Error('ssh closed its control socket'));
      else this.#asked.push({ resolve, reject });
    });
  }

  #write(...parts: readonly Buffer[]): void {
    this.socket.write(wireString(Buffer.concat(parts)));
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      for (const frame of this.#frames.take(chunk)) this.#asked.shift()?.resolve(new WireReader(frame));
    } catch {
      this.socket.destroy();
    }
  };
}

/** OpenSSH would not do it: "remote port forwarding failed for listen port 80". */
export class MuxRefused extends Error {
  override readonly name = 'MuxRefused';
}

function refused(type: number, reader: WireReader): Error {
  const isWorded = type === 0x80000002 || type === 0x80000003; // denied, failed
  return isWorded ? new MuxRefused(reader.string().toString('utf8')) : notUnderstood(`an answer of type ${type}`);
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? notUnderstood('an answer that is cut short') : error;
  }
}

function notUnderstood(what: string): SidecarError {
  const reason = `ssh's control socket gave ${what}; OpenSSH 7.4 or newer is needed`;
  return new SidecarError('ssh.protocol', { reason }, { retryable: false });
}

/** For OpenSSH `''` is localhost, and `*` every interface. */
function forwardDetails({ host, port }: Address, path: string): Buffer[] {
  const listen = [wireString(host === '' ? '*' : host), uint32(port)];
  return [uint32(remoteForward), ...listen, wireString(path), uint32(isPath)];
}
