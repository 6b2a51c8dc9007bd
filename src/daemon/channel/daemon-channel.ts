import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { SidecarError } from '../../errors.js';
import { brokenPipe } from '../../transport/ssh2/streams.js';
import type { TerminalSize } from '../../transport/terminal.js';
import type { Channel, Exit } from '../../transport/transport.js';
import { fromJson } from '../errors-as-json.js';
import { silenceMs } from '../signs-of-life.js';
import { FrameReader, kinds, writeFrame } from './frames.js';

/** A command on a session of the daemon's. It ends with this process, whose connection to the daemon holds it. */
export class DaemonChannel implements Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<Exit>;
  readonly #socket: Socket;
  #settle: { resolve(exit: Exit): void; reject(error: unknown): void } | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Called once the far side takes more, or never will. */
  #onDrain: ((error?: Error) => void) | undefined;

  /** Over a connection on which the channel was opened; `rest` is what came with that answer. */
  constructor(socket: Socket, rest: Buffer, signal?: AbortSignal) {
    this.#socket = socket;
    this.stdout = this.#output();
    this.stderr = this.#output();
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (writeFrame(socket, kinds.stdin, chunk)) done();
        else this.#onDrain = done;
      },
      final: (done) => {
        writeFrame(socket, kinds.stdinEnd);
        done();
      },
    }).on('error', ignore);
    const onAbort = (): void => this.#fail(signal?.reason);
    this.exit = new Promise<Exit>((resolve, reject) => (this.#settle = { resolve, reject })).finally(() =>
      signal?.removeEventListener('abort', onAbort),
    );
    this.exit.catch(ignore);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();

    const frames = new FrameReader((kind, content) => this.#hear(kind, content));
    socket.on('drain', () => this.#drained());
    socket.on('close', () => this.#fail(lost('the daemon ended')));
    socket.on('data', (chunk: Buffer) => frames.read(chunk));
    this.#listen();
    frames.read(rest);
    socket.resume();
  }

  resize(size: TerminalSize): void {
    if (this.#settle !== undefined) writeFrame(this.#socket, kinds.resize, JSON.stringify(size));
  }

  close(): void {
    this.#fail(
      new SidecarError('ssh.connection_lost', { reason: 'the channel was closed here' }, { retryable: false }),
    );
  }

  #output(): Readable {
    const more = (): void => this.#resume();
    const stream = new Readable({
      read: more,
      destroy: (error, done) => {
        more(); // what nobody wants is dropped, so that the rest can come
        done(error);
      },
    });
    return stream.on('error', ignore);
  }

  #hear(kind: number, content: Buffer): void {
    switch (kind) {
      case kinds.stdout:
        this.#give(this.stdout, content);
        return;
      case kinds.stderr:
        this.#give(this.stderr, content);
        return;
      case kinds.stdoutEnd:
        this.#give(this.stdout, null);
        return;
      case kinds.stderrEnd:
        this.#give(this.stderr, null);
        return;
      case kinds.stdinClosed:
        this.stdin.destroy(brokenPipe());
        return;
      case kinds.alive:
        return;
      case kinds.ended: {
        const { exit, error } = fromJson(content.toString('utf8')) as {
          readonly exit?: Exit;
          readonly error?: unknown;
        };
        if (exit === undefined) this.#fail(error);
        else this.#end(exit);
      }
    }
  }

  #give(stream: Readable, content: Buffer | null): void {
    if (stream.destroyed || stream.push(content) || content === null) return;
    this.#socket.pause();
    clearTimeout(this.#silence); // it is this side that does not listen
  }

  #resume(): void {
    if (this.#settle === undefined || !this.#socket.isPaused()) return;
    this.#socket.resume();
    this.#listen();
  }

  /** One that hangs shows no signs of life. */
  #listen(): void {
    clearTimeout(this.#silence);
    let seen = this.#socket.bytesRead;
    const look = (): void => {
      if (this.#settle === undefined) return;
      if (this.#socket.bytesRead === seen) {
        this.#fail(lost('the daemon does not answer'));
        return;
      }
      seen = this.#socket.bytesRead;
      this.#silence = setTimeout(look, silenceMs);
    };
    this.#silence = setTimeout(look, silenceMs);
  }

  #drained(error?: Error): void {
    const done = this.#onDrain;
    this.#onDrain = undefined;
    done?.(error);
  }

  #end(exit: Exit): void {
    this.#settle?.resolve(exit);
    this.#over();
    if (!this.stdin.writableFinished) this.stdin.destroy(brokenPipe());
    for (const output of [this.stdout, this.stderr]) this.#give(output, null);
  }

  #fail(error: unknown): void {
    if (this.#settle === undefined) return;
    this.#settle.reject(error);
    this.#over();
    const cause = error instanceof Error ? error : new Error(String(error));
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(cause);
  }

  #over(): void {
    this.#settle = undefined;
    clearTimeout(this.#silence);
    this.#drained(brokenPipe());
    this.#socket.destroy();
  }
}

const lost = (reason: string): SidecarError => new SidecarError('ssh.connection_lost', { reason });

const ignore = (): void => undefined;
