import { Duplex, finished, type Readable, type Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { SidecarError } from '../../errors.js';
import type { TerminalSize } from '../terminal.js';
import type { Channel, ExecOptions, Exit } from '../transport.js';
import { brokenPipe, readableFrom, writableInto } from './streams.js';

/** What has to be told when the connection under it ends. */
export interface OnConnection {
  /** The connection was lost. What had come to its end before is not: what it said only waits to be read. */
  lose(error: SidecarError): void;
  /** The connection was closed on this side, and everything on it is unwanted. */
  drop(error: SidecarError): void;
}

/**
 * A command that runs on an ssh2 channel. Has to be made within the call that hands over `raw`: its exit status may
 * already be in the next packet.
 */
export class ExecChannel implements Channel, OnConnection {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<Exit>;
  readonly #raw: ClientChannel;
  readonly #hasTerminal: boolean;
  #settle: { resolve(exit: Exit): void; reject(error: unknown): void } | undefined;

  constructor(raw: ClientChannel, { signal, terminal }: ExecOptions = {}) {
    this.#raw = raw;
    this.#hasTerminal = terminal !== undefined;
    this.stdin = writableInto(raw, () => raw.eof());
    this.stdout = readableFrom(raw);
    this.stderr = readableFrom(raw.stderr);
    ignoreErrors(raw);

    const onAbort = (): void => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.exit = new Promise<Exit>((resolve, reject) => (this.#settle = { resolve, reject })).finally(() =>
      signal?.removeEventListener('abort', onAbort),
    );
    this.exit.catch(ignore);
    this.#watchExit();
  }

  resize({ columns, rows }: TerminalSize): void {
    // RFC 4254 §6.7: a size in pixels of 0 says nothing.
    if (this.#settle !== undefined && this.#hasTerminal) this.#raw.setWindow(rows, columns, 0, 0);
  }

  close(): void {
    this.#fail(
      new SidecarError('ssh.connection_lost', { reason: 'the channel was closed here' }, { retryable: false }),
    );
  }

  lose(error: SidecarError): void {
    if (!isClosedByServer(this.#raw)) this.drop(error);
  }

  drop(error: SidecarError): void {
    this.#fail(error);
  }

  /** The end: the channel closed, and both outputs taken over. ssh2 holds `close` back until its stream was read. */
  #watchExit(): void {
    const raw = this.#raw;
    let exit: Exit | undefined;
    let open = 2;
    const onClose = (): void => {
      open -= 1;
      if (open > 0) return;
      if (exit === undefined) this.#fail(endedWithoutStatus());
      else this.#end(exit);
    };
    raw.on('exit', (code: number | null, signal?: string) => {
      exit = code === null ? { kind: 'signal', signal: (signal ?? '').replace(/^SIG/, '') } : { kind: 'code', code };
    });
    raw.once('close', onClose);
    raw.stderr.once('close', onClose);
  }

  #end(exit: Exit): void {
    this.#settle?.resolve(exit);
    this.#settle = undefined;
    if (!this.stdin.writableFinished) this.stdin.destroy(brokenPipe());
  }

  #fail(error: unknown): void {
    if (this.#settle === undefined) return;
    this.#settle.reject(error);
    this.#settle = undefined;
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(asError(error));
    this.#raw.close();
  }
}

/** A forwarded byte stream on an ssh2 channel. The same rule: to be made within the call that hands over `raw`. */
export function forwardStream(raw: ClientChannel): { readonly stream: Duplex } & OnConnection {
  const writable = writableInto(raw, () => raw.eof());
  const stream = Duplex.from({ readable: readableFrom(raw), writable }).on('error', ignore);
  ignoreErrors(raw);
  finished(stream, () => raw.close());
  // Nothing can be sent any more, but what has arrived may still have to be read.
  raw.once('close', () => {
    if (stream.readableEnded) stream.destroy();
    else stream.once('end', () => stream.destroy());
  });
  const drop = (error: SidecarError): void => void stream.destroy(error);
  const lose = (error: SidecarError): void => {
    if (!isClosedByServer(raw)) drop(error);
  };
  return { stream, lose, drop };
}

/** Throws away a channel that came too late for whoever asked for it. */
export function discard(raw: ClientChannel): void {
  ignoreErrors(raw);
  raw.resume();
  raw.stderr.resume();
  raw.close();
}

/** ssh2 keeps the server's half of a channel in `incoming`, with a state of RFC 4254 §5.3. */
function isClosedByServer(raw: ClientChannel): boolean {
  return (raw.incoming as { readonly state: 'open' | 'eof' | 'closed' }).state === 'closed';
}

function endedWithoutStatus(): SidecarError {
  return new SidecarError('ssh.connection_lost', { reason: 'the command ended without an exit status' });
}

/** An error event without a listener ends the process. The wrapping streams report what matters. */
function ignoreErrors(raw: ClientChannel): void {
  raw.on('error', ignore);
  raw.stderr.on('error', ignore);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

const ignore = (): void => undefined;
