/** Cuts a stream of bytes into its frames: each is a length of 4 bytes, and as many bytes. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * The frames that are whole once `chunk` has arrived. They are parts of it where they can be: who keeps one keeps the
   * chunk. Throws a RangeError for one that is longer than OpenSSH ever sends.
   */
  take(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    let start = 0;
    while (bytes.length - start >= 4) {
      const length = bytes.readUInt32BE(start);
      if (length > maxFrameBytes) throw new RangeError(`a frame of ${length} bytes`);
      const end = start + 4 + length;
      if (end > bytes.length) break;
      frames.push(bytes.subarray(start + 4, end));
      start = end;
    }
    this.#rest = bytes.subarray(start);
    return frames;
  }
}

/** OpenSSH's own limit, of a packet and of a message to its multiplexer. */
const maxFrameBytes = 256 * 1024;
