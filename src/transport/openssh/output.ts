import { Readable } from 'node:stream';

/**
 * One of the outputs of a channel. What has arrived waits here until its reader has room, and is lost only where nobody
 * wants it: where the stream was destroyed.
 */
export class Output {
  readonly stream: Readable;
  readonly #onTaken: (bytes: number) => void;
  readonly #onDone: () => void;
  #waiting: Buffer[] = [];
  #hasRoom = true;
  #hasEnded = false;
  #isDone = false;

  /** `onTaken` hears of bytes that wait no more, `onDone` once that none will come and none waits. */
  constructor({ onTaken, onDone }: { onTaken: (bytes: number) => void; onDone: () => void }) {
    this.#onTaken = onTaken;
    this.#onDone = onDone;
    this.stream = new Readable({
      highWaterMark: bufferBytes,
      read: () => {
        this.#hasRoom = true;
        this.#flow();
      },
      destroy: (error, done) => {
        this.#hasRoom = true;
        this.#flow();
        done(error);
      },
    }).on('error', ignore);
  }

  take(bytes: Buffer): void {
    if (this.#hasEnded) return;
    this.#waiting.push(bytes);
    this.#flow();
  }

  /** No more will come. May be called twice. */
  end(): void {
    this.#hasEnded = true;
    this.#flow();
  }

  #flow(): void {
    while (this.#hasRoom) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) break;
      // The reader may ask for more within this call.
      if (!this.stream.destroyed) this.#hasRoom = this.stream.push(bytes);
      this.#onTaken(bytes.length);
    }
    if (!this.#hasEnded || this.#waiting.length > 0 || this.#isDone) return;
    this.#isDone = true;
    if (!this.stream.destroyed) this.stream.push(null);
    this.#onDone();
  }
}

const bufferBytes = 256 * 1024;

/** Whoever reads hears of it; when nobody does, the owner of the channel tells of the loss. */
const ignore = (): void => undefined;
