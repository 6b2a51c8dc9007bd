import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { placeOf } from '../git/directory.js';
import { toBytes, type BytePath } from '../git/path-bytes.js';
import { inTheWay } from '../git/standing.js';

/** What a pull that was killed may have left in the working tree: the file that it was writing. */
export class Leftover {
  readonly #root: string;
  readonly #note: string;
  readonly #name = `.sidecar-pull-${randomBytes(8).toString('hex')}`;

  /** It is noted in a directory of ours. */
  constructor(directory: string, root: string) {
    this.#root = root;
    this.#note = path.join(directory, 'sidecar-pull');
  }

  /** A place beside a file, noted before anything is written there. */
  beside(file: BytePath): BytePath {
    const place = file.slice(0, file.lastIndexOf('/') + 1) + this.#name;
    writeFileSync(this.#note, toBytes(place), { mode: 0o600 });
    return place;
  }

  async clear(): Promise<void> {
    const place = this.#noted();
    if (place === undefined) return;
    if (inTheWay(this.#root, place) === undefined) await rm(placeOf(this.#root, place), { force: true });
    await rm(this.#note, { force: true });
  }

  #noted(): BytePath | undefined {
    try {
      const place = readFileSync(this.#note, 'latin1');
      return /(^|\/)\.sidecar-pull-[0-9a-f]{16}$/.test(place) ? place : undefined;
    } catch {
      return undefined;
    }
  }
}
