import type { Duplex } from 'node:stream';

/**
 * What a connection to the daemon carries once a channel is open on it: frames, each a byte for its kind, four for the
 * length of its content (big-endian), and the content.
 */
export const kinds = {
  /** From the client: bytes for stdin, and their end. */
  stdin: 0,
  stdinEnd: 1,
  /** A size of the terminal, as JSON. */
  resize: 2,
  /** From the daemon: bytes of an output, and the ends of both. */
  stdout: 3,
  stderr: 4,
  stdoutEnd: 5,
  stderrEnd: 6,
  /** Nobody reads stdin any more. */
  stdinClosed: 7,
  /** How it ended, as JSON: `{exit}` or `{error}`. Nothing comes after it. */
  ended: 8,
  /** A sign of life. */
  alive: 9,
} as const;

export type Kind = (typeof kinds)[keyof typeof kinds];

const headBytes = 5;

/** More than anybody of ours writes at once. */
const longestContent = 64 * 1024 * 1024;

/** Writes a frame; false when the reader is behind, and `drain` should be waited for. */
export function writeFrame(socket: Duplex, kind: Kind, content: Uint8Array | string = ''): boolean {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(kind);
  head.writeUInt32BE(bytes.length, 1);
  socket.cork();
  socket.write(head);
  const isFlowing = socket.write(bytes);
  socket.uncork();
  return isFlowing;
}

/** Cuts what arrives into frames. Throws for one that nobody of ours has sent. */
export class FrameReader {
  #pending: Buffer[] = [];
  #length = 0;
  readonly #onFrame: (kind: number, content: Buffer) => void;

  constructor(onFrame: (kind: number, content: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  read(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#length < headBytes) return;
      const head = this.#peek(headBytes);
      const length = head.readUInt32BE(1);
      if (length > longestContent) throw new Error(`a frame of ${length} bytes`);
      if (this.#length < headBytes + length) return;
      const frame = this.#take(headBytes + length);
      this.#onFrame(frame.readUInt8(), frame.subarray(headBytes));
    }
  }

  /** The first bytes in one piece. */
  #peek(length: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#pending;
    if (first.length >= length) return first;
    const whole = Buffer.concat(this.#pending);
    this.#pending = [whole];
    return whole;
  }

  #take(length: number): Buffer {
    const whole = this.#peek(length);
    const rest = whole.subarray(length);
    this.#pending.splice(0, 1, ...(rest.length > 0 ? [rest] : []));
    this.#length -= length;
    return whole.subarray(0, length);
  }
}
