/**
 * Reads the data types of RFC 4251 §5 from a buffer, front to back. Every read throws a RangeError when the buffer ends
 * before the value does.
 */
export class WireReader {
  #offset = 0;

  constructor(readonly buffer: Buffer) {}

  /** How many bytes are still to be read. */
  get left(): number {
    return this.buffer.length - this.#offset;
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  byte(): number {
    return this.#take(1).readUInt8(0);
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  #take(bytes: number): Buffer {
    if (bytes > this.left) throw new RangeError(`${String(bytes - this.left)} bytes are missing`);
    const start = this.#offset;
    this.#offset += bytes;
    return this.buffer.subarray(start, this.#offset);
  }
}
