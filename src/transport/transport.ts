import type { Duplex, Readable, Writable } from 'node:stream';
import type { SidecarError } from '../errors.js';
import type { Terminal, TerminalSize } from './terminal.js';

/** How a remote command ended. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  /** `signal` without the `SIG` prefix, as RFC 4254 §6.10 names it: `KILL`, `TERM`. */
  | { readonly kind: 'signal'; readonly signal: string };

/**
 * One running remote command: three byte streams and an end.
 *
 * - `stdin` obeys backpressure; ending it half-closes the channel: the command sees end of file and its output still
 *   arrives.
 * - `stdout` and `stderr` end before `exit` settles only when they are read; an unread stream stops the command by
 *   backpressure, never by loss.
 * - A lost connection destroys the streams and rejects `exit` with `ssh.connection_lost`. A command whose channel was
 *   lost may have run: nobody may replay it without knowing that it is idempotent.
 * - On a terminal, all output comes from `stdout`, and the end of `stdin` tells the command nothing: that is what the
 *   terminal's own end-of-file character is for. Whoever closes the channel hangs up the terminal.
 */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once. Rejects with `ssh.connection_lost`, or with the abort reason when the channel was aborted. */
  readonly exit: Promise<Exit>;
  /** Tells the terminal's new size. Without a terminal, and once the command has ended, it does nothing. */
  resize(size: TerminalSize): void;
  /** Ends the channel now, without waiting for the command. May be called twice, and during a read. */
  close(): void;
}

export interface ExecOptions {
  /** Aborting closes the channel and rejects `exit` with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Runs the command on a terminal. A far side that has none to give rejects with `ssh.channel_refused`. */
  readonly terminal?: Terminal | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A connection that came in over there: to be accepted or refused, once. Until then no byte of it is read. */
export interface Incoming {
  /** The byte stream to whoever connected. Undefined where the transport is gone. */
  accept(): Duplex | undefined;
  refuse(): void;
}

/** The far side listens, for as long as the transport lives. */
export interface RemoteListener {
  /** The real one where port 0 was asked for. */
  readonly port: number;
  /** Has it listen no more; what came in before goes on. May be called twice. */
  close(): Promise<void>;
}

/**
 * An authenticated connection on which byte channels open. Opening one after the connection is lost or closed rejects
 * with `ssh.connection_lost`; a server that refuses one rejects with `ssh.channel_refused`.
 */
export interface Transport {
  /** Starts `command` under the login shell of the far side. */
  exec(command: string, options?: ExecOptions): Promise<Channel>;
  /** A byte stream to `host:port` as seen from the far side. */
  forward(target: Address): Promise<Duplex>;
  /**
   * Has the far side listen: host `''` is every interface, port 0 any that is free. A server that does not, because the port
   * is taken or it allows none, rejects with `forward.remote_refused`.
   */
  listen(address: Address, onConnection: (incoming: Incoming) => void): Promise<RemoteListener>;
  /** Resolves when the connection is gone: with the error that took it, or with nothing after `close`. */
  readonly closed: Promise<Error | undefined>;
  /**
   * Ends the connection and everything on it, which is no loss; or, with an error, is one: the far side is found dead
   * before the connection shows it. May be called twice.
   */
  close(lost?: SidecarError): Promise<void>;
}
