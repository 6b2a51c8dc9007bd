import { ObjectReader } from '../git/object-reader.js';
import { gitOutput, type GitPlace } from '../git/run.js';
import { badReply } from '../sync/hello.js';

/** A larger one is streamed, by a program of its own, and not held in memory. In bytes. */
const heldInMemory = 1024 * 1024;

/** The contents of blobs, of any size. */
export class Blobs {
  readonly #place: GitPlace;
  readonly #reader: ObjectReader;

  constructor(place: GitPlace) {
    this.#place = place;
    this.#reader = new ObjectReader(place, heldInMemory);
  }

  /** Throws `sync.bad_reply` for what is no blob. */
  async read(id: string): Promise<AsyncIterable<Buffer> | Buffer> {
    const object = await this.#reader.read(id);
    if (object?.type !== 'blob') throw badReply('a file that is none');
    return object.content ?? gitOutput(this.#place, ['cat-file', 'blob', id]);
  }

  close(): void {
    this.#reader.close();
  }
}
