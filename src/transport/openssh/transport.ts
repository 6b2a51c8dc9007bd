import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { SidecarError } from '../../errors.js';
import type { ForwardedAgent } from '../forwarded-agent.js';
import type { Terminal } from '../terminal.js';
import type { Address, Channel, ExecOptions, Incoming, RemoteListener, Transport } from '../transport.js';
import { uint32, wireString } from '../wire-writer.js';
import { ExecChannel, forwardStream, sizeDetails } from './channel.js';
import { channelRefused, listenRefused, type Endpoint } from './errors.js';
import { MuxRefused, type MuxClient } from './mux.js';
import { IncomingSocket } from './remote-listener.js';
import { encodedModes } from './terminal-modes.js';
import type { WireChannel } from './wire-channel.js';
import { OpenRefused, WireConnection } from './wire-connection.js';

/** The ssh that holds the connection. */
export interface Master {
  /** Where sockets may be made that are ours alone. */
  readonly directory: string;
  /** Resolves when ssh has ended, with the error that took the connection. */
  readonly lost: Promise<SidecarError>;
  /** Ends ssh, and with it the connection. May be called twice. */
  stop(): void;
}

export interface OpensshTransportOptions {
  readonly master: Master;
  /** Carries the messages of the connection protocol, see `MuxClient.proxy`. */
  readonly socket: Duplex;
  /** For what only ssh itself can ask of the server. */
  readonly mux: MuxClient;
  readonly endpoint: Endpoint;
  readonly forwardAgent?: ForwardedAgent | undefined;
}

/** A Transport over the connection of an `ssh -M`. */
export class OpensshTransport implements Transport {
  readonly closed: Promise<Error | undefined>;
  readonly #master: Master;
  readonly #connection: WireConnection;
  readonly #mux: MuxClient;
  readonly #endpoint: Endpoint;
  /** Until the server was asked: it says yes once, and for all channels from then on. */
  #forwardAgent: ForwardedAgent | undefined;
  readonly #listening = new Set<IncomingSocket>();
  #listeners = 0;
  /** Why nothing can be opened any more. */
  #gone: SidecarError | undefined;
  #resolveClosed: (error: Error | undefined) => void = () => undefined;

  constructor({ master, socket, mux, endpoint, forwardAgent }: OpensshTransportOptions) {
    this.#forwardAgent = forwardAgent;
    this.#master = master;
    this.#mux = mux;
    this.#endpoint = endpoint;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#connection = new WireConnection(socket, {
      onBroken: (cause) => {
        const facts = { ...endpoint, reason: cause.message };
        void this.close(new SidecarError('ssh.connection_lost', facts, { cause, retryable: false }));
      },
    });
    // ssh has ended, or is about to. It has to be over before anybody can know why.
    socket.once('close', () => master.stop());
    void master.lost.then((error) => {
      if (this.#gone !== undefined) return;
      this.#end(error, (channel) => channel.lose(error));
      this.#resolveClosed(error);
    });
  }

  async exec(command: string, options: ExecOptions = {}): Promise<Channel> {
    const { signal, terminal } = options;
    const wire = await this.#opening(() => this.#start(command, { terminal, signal }), signal);
    return new ExecChannel(wire, options);
  }

  async forward({ host, port }: Address): Promise<Duplex> {
    // RFC 4254 §7.2: the originator's address is for the server's log only.
    const details = [wireString(host), uint32(port), wireString('127.0.0.1'), uint32(0)];
    return forwardStream(await this.#opening(() => this.#open('direct-tcpip', ...details)));
  }

  async listen(address: Address, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    if (this.#gone !== undefined) throw this.#gone;
    const path = join(this.#master.directory, `l${this.#listeners++}`);
    const incoming = await IncomingSocket.listen(path, onConnection);
    // Also when it listens no more: what came in ends with the connection.
    this.#listening.add(incoming);
    try {
      const port = await this.#mux.listen(address, path);
      return { port, close: () => this.#listenNoMore(address, incoming) };
    } catch (error) {
      await incoming.stop();
      // The connection is lost once it is known why.
      throw error instanceof MuxRefused ? listenRefused(error, this.#endpoint, address) : await this.#lossOr(error);
    }
  }

  close(lost?: SidecarError): Promise<void> {
    if (this.#gone === undefined) {
      const reason = 'the connection was closed here';
      const error =
        lost ?? new SidecarError('ssh.connection_lost', { ...this.#endpoint, reason }, { retryable: false });
      this.#end(error, (channel) => channel.fail(error));
      this.#resolveClosed(lost);
      this.#master.stop();
    }
    return Promise.resolve();
  }

  /** Where the terminal is refused, the command does not start without one. */
  async #start(
    command: string,
    { terminal, signal }: { terminal: Terminal | undefined; signal: AbortSignal | undefined },
  ): Promise<WireChannel> {
    const wire = await this.#open('session');
    try {
      if (terminal !== undefined && !(await wire.request('pty-req', ...terminalDetails(terminal)))) {
        throw channelRefused('the server gives no terminal', this.#endpoint);
      }
      await this.#letUseAgent(wire);
      signal?.throwIfAborted();
      if (!(await wire.request('exec', wireString(command)))) {
        throw channelRefused('the server does not start the command', this.#endpoint);
      }
      return wire;
    } catch (error) {
      wire.fail(error);
      throw error;
    }
  }

  /** As OpenSSH's PROTOCOL.agent has it. Where it is refused, the command goes on without. */
  async #letUseAgent(wire: WireChannel): Promise<void> {
    const agent = this.#forwardAgent;
    this.#forwardAgent = undefined;
    if (agent !== undefined && !(await wire.request('auth-agent-req@openssh.com'))) agent.onRefused();
  }

  async #open(type: string, ...details: readonly Buffer[]): Promise<WireChannel> {
    try {
      return await this.#connection.open(type, ...details);
    } catch (error) {
      if (!(error instanceof OpenRefused)) throw error;
      throw channelRefused(error.message, this.#endpoint, { cause: error, sshReason: error.reason });
    }
  }

  /** Settles once: with the channel, what keeps it from opening, the loss, or the abort. One that comes later is closed. */
  async #opening(open: () => Promise<WireChannel>, signal?: AbortSignal): Promise<WireChannel> {
    signal?.throwIfAborted();
    if (this.#gone !== undefined) throw this.#gone;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      open().then(
        (wire) => {
          settled();
          if (signal?.aborted === true) wire.fail(signal.reason);
          else resolve(wire);
        },
        (error: unknown) => {
          settled();
          reject(asError(error));
        },
      );
    });
  }

  async #listenNoMore(address: Address, incoming: IncomingSocket): Promise<void> {
    if (incoming.isStopped) return;
    const stopped = incoming.stop();
    if (this.#gone === undefined) await this.#mux.listenNoMore(address, incoming.path).catch(() => undefined);
    await stopped;
  }

  async #lossOr(error: unknown): Promise<unknown> {
    return error instanceof SidecarError ? error : (this.#gone ?? (await this.#master.lost));
  }

  #end(error: SidecarError, tell: (channel: WireChannel) => void): void {
    this.#gone = error;
    this.#connection.end(error, tell);
    for (const incoming of this.#listening) incoming.destroy(error);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function terminalDetails(terminal: Terminal): Buffer[] {
  return [wireString(terminal.term), ...sizeDetails(terminal), wireString(encodedModes(terminal.modes ?? {}))];
}
