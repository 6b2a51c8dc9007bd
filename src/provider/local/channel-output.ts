import type { Readable } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import type { Exit } from '../../transport/transport.js';

/**
 * What ssh2 1.17 (lib/Channel.js) keeps in a channel and has no method for. A write that waits for the client's window
 * stays in `_chunk` or `_chunkErr` even after it went out, and the next wait of the other stream sends it again.
 */
interface ChannelInternals {
  readonly outgoing: { state: 'open' | 'eof' | 'closing' | 'closed' };
  _chunk?: Buffer | undefined;
  _chunkcb?: (() => void) | undefined;
  _chunkErr?: Buffer | undefined;
  _chunkcbErr?: (() => void) | undefined;
}

/**
 * The way out of a server channel: bytes under backpressure, end of file, exit status, close, in that order and with
 * nothing lost. `close` alone would drop what waits for the client's window, and a write after it would never call back.
 */
export class ChannelOutput {
  readonly #channel: ServerChannel;
  readonly #internals: ChannelInternals;
  #abandoned = false;
  #lastWrite: Promise<void> = Promise.resolve();
  #releaseWriter: (() => void) | undefined;

  constructor(channel: ServerChannel) {
    this.#channel = channel;
    this.#internals = channel as unknown as ChannelInternals;
    // A write that crosses the client's close is an error event on the stream. There is nobody left to tell.
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
  }

  /** Sends everything that `source` says, no faster than the client takes it; leaves it once the client is gone. */
  async copy(source: Readable, to: 'stdout' | 'stderr'): Promise<void> {
    try {
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        await this.#write(to, chunk);
        if (this.#abandoned) return;
      }
    } catch {
      // The source broke off, and what it said before has been sent.
    }
  }

  /** Tells the client that no more bytes follow. Only an exit status may (RFC 4254 §6.10 allows it after the end). */
  endOfFile(): void {
    if (!this.#abandoned) this.#channel.eof();
  }

  /** After every `copy`: tells how the command ended, and closes the channel. */
  finish(exit: Exit): void {
    if (this.#abandoned) return;
    const { outgoing } = this.#internals;
    const { state } = outgoing;
    outgoing.state = 'open'; // else ssh2 would keep the status of a command whose end of file is out already
    if (exit.kind === 'code') this.#channel.exit(exit.code);
    else this.#channel.exit(exit.signal, false, '');
    outgoing.state = state;
    this.close();
  }

  /** Closes the channel. What `copy` has sent arrives. */
  close(): void {
    if (!this.#abandoned) this.#channel.end();
    this.abandon();
  }

  /** The client is gone: writers are let go, and everything from now on is void. */
  abandon(): void {
    this.#abandoned = true;
    this.#releaseWriter?.();
  }

  /** One at a time over both streams, see `ChannelInternals`. */
  #write(to: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    const write = this.#lastWrite.then(async () => {
      if (this.#abandoned) return;
      const stream = to === 'stdout' ? this.#channel : this.#channel.stderr;
      await new Promise<void>((resolve) => {
        this.#releaseWriter = resolve;
        stream.write(chunk, () => resolve());
      });
      this.#forgetWaitingWrite();
    });
    this.#lastWrite = write;
    return write;
  }

  #forgetWaitingWrite(): void {
    this.#internals._chunk = undefined;
    this.#internals._chunkcb = undefined;
    this.#internals._chunkErr = undefined;
    this.#internals._chunkcbErr = undefined;
  }
}
