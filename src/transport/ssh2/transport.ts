import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, PseudoTtyOptions } from 'ssh2';
import { SidecarError } from '../../errors.js';
import type { Terminal } from '../terminal.js';
import type { Channel, ExecOptions, Transport } from '../transport.js';
import { discard, ExecChannel, forwardStream, type OnConnection } from './channel.js';
import { channelRefused, connectionLost, isFatal, type Endpoint, type Observed } from './errors.js';

/**
 * A Transport on an authenticated ssh2 client. Has to be made within its 'ready' event, so that no end of the
 * connection goes by unseen.
 */
export class Ssh2Transport implements Transport {
  readonly closed: Promise<Error | undefined>;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #endpoint: Endpoint;
  readonly #onConnection = new Set<OnConnection>();
  /** Why nothing can be opened any more. */
  #gone: SidecarError | undefined;
  #resolveClosed: (error: Error | undefined) => void = () => undefined;

  constructor({ client, socket, endpoint }: { client: Client; socket: Socket; endpoint: Endpoint }) {
    this.#client = client;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    client.on('error', (error: Error) => {
      if (isFatal(error)) this.#lose({ kind: 'error', error });
    });
    // A connection that the server ends in good order raises no error, and what is still to be sent nobody will read.
    client.on('end', () => this.#lose({ kind: 'closed' }));
    client.on('close', () => this.#lose({ kind: 'closed' }));
  }

  exec(command: string, options: ExecOptions = {}): Promise<Channel> {
    const { signal, terminal } = options;
    return this.#open({
      request: (done) =>
        this.#client.exec(command, terminal === undefined ? {} : { pty: pseudoTerminal(terminal) }, done),
      wrap: (raw) => {
        const channel = new ExecChannel(raw, options);
        this.#onConnection.add(channel);
        const forget = (): void => void this.#onConnection.delete(channel);
        channel.exit.then(forget, forget);
        return channel;
      },
      signal,
    });
  }

  forward({ host, port }: { readonly host: string; readonly port: number }): Promise<Duplex> {
    return this.#open({
      // RFC 4254 §7.2: the originator's address is for the server's log only.
      request: (done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done),
      wrap: (raw) => {
        const forward = forwardStream(raw);
        this.#onConnection.add(forward);
        forward.stream.once('close', () => this.#onConnection.delete(forward));
        return forward.stream;
      },
    });
  }

  close(lost?: SidecarError): Promise<void> {
    if (this.#gone === undefined) {
      this.#client.end();
      const reason = 'the connection was closed here';
      const error =
        lost ?? new SidecarError('ssh.connection_lost', { ...this.#endpoint, reason }, { retryable: false });
      this.#end(error, (each) => each.drop(error));
      this.#resolveClosed(lost);
    }
    return Promise.resolve();
  }

  /** Asks for a channel and settles once: with what `wrap` makes of it, a refusal, the loss, or the abort. */
  #open<T>({ request, wrap, signal }: ChannelRequest<T>): Promise<T> {
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
          if (error !== undefined) settle(() => reject(channelRefused(error, this.#endpoint)));
          else if (signal?.aborted === true) discard(raw);
          else settle(() => resolve(wrap(raw)));
        });
      } catch {
        // 'Not connected': the end of the socket has been seen, its event not yet.
        this.#lose({ kind: 'closed' });
      }
    });
  }

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

/** Of a size in pixels nothing is said. */
function pseudoTerminal({ term, columns, rows, modes = {} }: Terminal): PseudoTtyOptions {
  return { term, cols: columns, rows, width: 0, height: 0, modes };
}

interface ChannelRequest<T> {
  readonly request: (done: (error: Error | undefined, raw: ClientChannel) => void) => void;
  readonly wrap: (raw: ClientChannel) => T;
  readonly signal?: AbortSignal | undefined;
}
