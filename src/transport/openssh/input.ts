import { Writable } from 'node:stream';

export interface InputOptions {
  /** Hands bytes on; `sent` is called once there is room for more. */
  readonly send: (bytes: Buffer, sent: () => void) => void;
  /** Tells the far side that no more will come. */
  readonly sendEnd: () => void;
}

/**
 * What is written goes out as far as the far side has said that it has room (RFC 4254 §5.2), the rest waits. An error
 * that the stream is destroyed with reaches whoever writes.
 */
export class Input {
  readonly stream: Writable;
  readonly #send: InputOptions['send'];
  #room = 0;
  #maxBytes = 0;
  /** What is still to be sent of the chunk that is being written. */
  #rest: Buffer | undefined;
  #answer: ((error?: Error | null) => void) | undefined;

  constructor({ send, sendEnd }: InputOptions) {
    this.#send = send;
    this.stream = new Writable({
      highWaterMark: bufferBytes,
      write: (chunk: Buffer, _encoding, done) => {
        this.#answer = done;
        this.#rest = chunk;
        this.#flow();
      },
      final: (done) => {
        sendEnd();
        done();
      },
      destroy: (error, done) => {
        this.#rest = undefined;
        this.#reply(error ?? brokenPipe());
        done(error);
      },
    }).on('error', () => undefined);
  }

  /** There is room for so many bytes more, `maxBytes` of them at a time. */
  grant(bytes: number, maxBytes = this.#maxBytes): void {
    this.#room += bytes;
    this.#maxBytes = maxBytes;
    this.#flow();
  }

  #flow(): void {
    while (this.#rest !== undefined) {
      const piece = this.#rest.subarray(0, Math.min(this.#room, this.#maxBytes));
      if (piece.length === 0 && this.#rest.length > 0) return;
      this.#room -= piece.length;
      const rest = this.#rest.subarray(piece.length);
      this.#rest = rest.length === 0 ? undefined : rest;
      this.#send(piece, this.#rest === undefined ? () => this.#reply() : () => undefined);
    }
  }

  #reply(error?: Error): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(error);
  }
}

/** What a writer gets whose reader has gone, as from a pipe between two local processes. */
export function brokenPipe(): NodeJS.ErrnoException {
  return Object.assign(new Error('the far side reads no more'), { code: 'EPIPE' });
}

const bufferBytes = 256 * 1024;
