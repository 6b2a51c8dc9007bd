import { Duplex } from 'node:stream';

/** What of a program's words is kept, in characters. */
const maxWords = 4_000;
const headerBytes = 8;
const stdoutFrame = 1;
const stderrFrame = 2;

/**
 * The stdin and stdout of a program that runs in a container, over the connection that the engine gave for it. What it
 * says on stderr is kept apart, the last of it. Both directions wait for a slow reader, and ending the writable side ends
 * the program's stdin alone.
 */
export class ExecStream extends Duplex {
  readonly #socket: Duplex;
  #words = '';
  /** Of the frame that is being read: a part of its header, or what is left of it. */
  #header = Buffer.alloc(0);
  #left = 0;
  #kind = stdoutFrame;

  constructor(socket: Duplex) {
    // The program has ended: there is nobody left to write to.
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket
      .on('data', (bytes: Buffer) => this.#take(bytes))
      .on('end', () => this.push(null))
      .on('error', (error) => this.destroy(error))
      .on('close', () => {
        if (!this.readableEnded) this.push(null);
      });
    socket.pause();
  }

  /** The last that the program said on stderr. */
  get words(): string {
    return this.#words;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    let wantsMore = true;
    while (rest.length > 0 && !this.destroyed) {
      if (this.#left === 0) {
        rest = this.#takeHeader(rest);
        continue;
      }
      const content = rest.subarray(0, this.#left);
      rest = rest.subarray(content.length);
      this.#left -= content.length;
      if (this.#kind === stderrFrame) this.#words = (this.#words + content.toString('utf8')).slice(-maxWords);
      else wantsMore = this.push(content);
    }
    if (!wantsMore) this.#socket.pause();
  }

  /** Returns what follows. A frame of no bytes is over with its header. */
  #takeHeader(bytes: Buffer): Buffer {
    const missing = headerBytes - this.#header.length;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, missing)]);
    if (this.#header.length < headerBytes) return bytes.subarray(missing);
    const kind = this.#header[0] ?? 0;
    if (kind > stderrFrame || this.#header.readUIntBE(1, 3) !== 0) {
      this.destroy(new Error('the engine does not keep to its protocol: that is no frame of an output'));
      return Buffer.alloc(0);
    }
    this.#kind = kind;
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
    return bytes.subarray(missing);
  }
}
