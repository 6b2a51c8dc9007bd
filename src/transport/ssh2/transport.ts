import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, PseudoTtyOptions, TcpConnectionDetails } from 'ssh2';
import { SidecarError } from '../../errors.js';
import type { ForwardedAgent } from '../forwarded-agent.js';
import type { Terminal } from '../terminal.js';
import type { Address, Channel, ExecOptions, Incoming, RemoteListener, Transport } from '../transport.js';
import { discard, ExecChannel, forwardStream, type OnConnection } from './channel.js';
import { channelRefused, connectionLost, isFatal, listenRefused, type Endpoint, type Observed } from './errors.js';

/**
 * A Transport on an authenticated ssh2 client. Has to be made within its 'ready' event, so that no end of the
 * connection goes by unseen.
 */
export class Ssh2Transport implements Transport {
  readonly closed: Promise<Error | undefined>;
  readonly #client: Client;
  readonly #socket: Duplex;
  readonly #endpoint: Endpoint;
  readonly #onConnection = new Set<OnConnection>();
  /** Who takes what comes in over there, by the address that was asked for. */
  readonly #listeners = new Map<string, (incoming: Incoming) => void>();
  /** Why nothing can be opened any more. */
  #gone: SidecarError | undefined;
  #forwardAgent: ForwardedAgent | undefined;
  #resolveClosed: (error: Error | undefined) => void = () => undefined;

  constructor({ client, socket, endpoint, forwardAgent }: TransportParts) {
    this.#forwardAgent = forwardAgent;
    this.#client = client;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    client.on('error', (error: Error) => {
      if (isFatal(error)) this.#lose({ kind: 'error', error });
    });
    client.on('tcp connection', ({ destIP: host, destPort: port }: TcpConnectionDetails, accept, reject) =>
      this.#comesIn({ host, port }, { accept, reject }),
    );
    // A connection that the server ends in good order raises no error, and what is still to be sent nobody will read.
    client.on('end', () => this.#lose({ kind: 'closed' }));
    client.on('close', () => this.#lose({ kind: 'closed' }));
  }

  async exec(command: string, options: ExecOptions = {}): Promise<Channel> {
    const agent = this.#forwardAgent;
    try {
      return await this.#exec(command, options);
    } catch (error) {
      if (agent === undefined || !isAgentRefusal(error)) throw error;
      // Nothing of the command was said yet.
      if (this.#forwardAgent !== undefined) agent.onRefused();
      this.#forwardAgent = undefined;
      return this.#exec(command, options);
    }
  }

  #exec(command: string, options: ExecOptions): Promise<Channel> {
    const { signal, terminal } = options;
    const agentForward = this.#forwardAgent !== undefined;
    const pty = terminal === undefined ? {} : { pty: pseudoTerminal(terminal) };
    return this.#open<ClientChannel, Channel>({
      request: (done) => this.#client.exec(command, { ...pty, ...(agentForward && { agentForward }) }, done),
      wrap: (raw) => {
        const channel = new ExecChannel(raw, options);
        this.#onConnection.add(channel);
        const forget = (): void => void this.#onConnection.delete(channel);
        channel.exit.then(forget, forget);
        return channel;
      },
      signal,
      abandon: discard,
    });
  }

  forward({ host, port }: Address): Promise<Duplex> {
    return this.#open<ClientChannel, Duplex>({
      // RFC 4254 §7.2: the originator's address is for the server's log only.
      request: (done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done),
      wrap: (raw) => this.#carry(raw),
    });
  }

  listen({ host, port }: Address, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    return this.#open<number, RemoteListener>({
      request: (done) => this.#client.forwardIn(host, port, done),
      refusal: (error) => listenRefused(error, { ...this.#endpoint, listen: { host, port } }),
      // The first connection may already be in the next packet.
      wrap: (real) => {
        const address = { host, port: real };
        this.#listeners.set(keyOf(address), onConnection);
        return { port: real, close: () => this.#listenNoMore(address) };
      },
    });
  }

  async close(lost?: SidecarError): Promise<void> {
    if (this.#gone === undefined) {
      this.#client.end();
      const reason = 'the connection was closed here';
      const error =
        lost ?? new SidecarError('ssh.connection_lost', { ...this.#endpoint, reason }, { retryable: false });
      this.#end(error, (each) => each.drop(error));
      this.#resolveClosed(lost);
    }
    // A command that is the connection may take a moment to end.
    if (!this.#socket.closed) await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  #carry(raw: ClientChannel): Duplex {
    const forward = forwardStream(raw);
    this.#onConnection.add(forward);
    forward.stream.once('close', () => this.#onConnection.delete(forward));
    return forward.stream;
  }

  #comesIn(address: Address, { accept, reject }: { accept: () => ClientChannel; reject: () => void }): void {
    const onConnection = this.#listeners.get(keyOf(address));
    if (onConnection === undefined) reject();
    else {
      onConnection({
        accept: () => (this.#gone === undefined ? this.#carry(accept()) : undefined),
        refuse: () => {
          if (this.#gone === undefined) reject();
        },
      });
    }
  }

  async #listenNoMore(address: Address): Promise<void> {
    if (!this.#listeners.delete(keyOf(address)) || this.#gone !== undefined) return;
    await this.#open<undefined, undefined>({
      request: (done) =>
        this.#client.unforwardIn(address.host, address.port, (error) => done(error ?? undefined, undefined)),
      wrap: () => undefined,
    }).catch(() => undefined); // what still comes in is refused
  }

  /** Asks for a channel and settles once: with what `wrap` makes of it, a refusal, the loss, or the abort. */
  #open<R, T>({ request, wrap, refusal = this.#refusedChannel, signal, abandon }: Asking<R, T>): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#gone !== undefined) return Promise.reject(this.#gone);

    return new Promise<T>((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#onConnection.delete(waiting);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const giveUp = (error: SidecarError): void => settle(() => reject(error));
      const waiting: OnConnection = { lose: giveUp, drop: giveUp };
      const onAbort = (): void => settle(() => reject(signal?.reason as Error));
      this.#onConnection.add(waiting);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        request((error, raw) => {
          if (this.#gone !== undefined) return;
          if (error !== undefined) settle(() => reject(refusal(error)));
          else if (signal?.aborted === true) abandon?.(raw);
          else settle(() => resolve(wrap(raw)));
        });
      } catch {
        // 'Not connected': the end of the socket has been seen, its event not yet.
        this.#lose({ kind: 'closed' });
      }
    });
  }

  readonly #refusedChannel = (error: Error): SidecarError => channelRefused(error, this.#endpoint);

  #lose(observed: Observed): void {
    if (this.#gone !== undefined) return;
    const error = connectionLost(observed, this.#endpoint);
    this.#end(error, (each) => each.lose(error));
    this.#resolveClosed(error);
  }

  #end(error: SidecarError, tell: (each: OnConnection) => void): void {
    this.#gone = error;
    for (const each of this.#onConnection) tell(each);
    this.#onConnection.clear();
    this.#socket.destroy();
  }
}

/** In the words of ssh2, which has no code for it. */
function isAgentRefusal(error: unknown): boolean {
  return error instanceof Error && (error.cause as Error | undefined)?.message === 'Unable to request agent forwarding';
}

/** Of a size in pixels nothing is said. */
function pseudoTerminal({ term, columns, rows, modes = {} }: Terminal): PseudoTtyOptions {
  return { term, cols: columns, rows, width: 0, height: 0, modes };
}

interface TransportParts {
  readonly client: Client;
  readonly socket: Duplex;
  readonly endpoint: Endpoint;
  readonly forwardAgent?: ForwardedAgent | undefined;
}

const keyOf = ({ host, port }: Address): string => `${host}:${port}`;

/** `R` is what ssh2 hands over. */
interface Asking<R, T> {
  readonly request: (done: (error: Error | undefined, raw: R) => void) => void;
  readonly wrap: (raw: R) => T;
  /** Default: of a channel. */
  readonly refusal?: (error: Error) => SidecarError;
  readonly signal?: AbortSignal | undefined;
  /** Takes what comes after the signal was aborted. */
  readonly abandon?: (raw: R) => void;
}
