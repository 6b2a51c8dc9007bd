import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import {
  checkPrivateDirectory,
  errorCode,
  makePrivateDirectory,
  unwritable,
  writePrivateFile,
} from '../files/private-files.js';

export interface StoreOptions<T> {
  readonly path: string;
  /** What the file must look like. Its output must be JSON that the schema accepts again. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** The content of a file that does not exist yet. */
  readonly initial: T;
  /** How long `update` waits for another process, in milliseconds. */
  readonly lockWaitMs?: number;
}

/**
 * One JSON file that several processes share. Reading needs no lock, because a write replaces the file whole; a change
 * reads, decides and writes under the file's lock, so that none is lost.
 */
export class Store<T> {
  readonly #options: StoreOptions<T>;

  constructor(options: StoreOptions<T>) {
    this.#options = options;
  }

  /**
   * Throws `state.corrupt` for content that is not ours to understand (the file is kept as it is), and `state.exposed`
   * where others could have written it.
   */
  async read(): Promise<T> {
    const { path, schema, initial } = this.#options;
    await checkPrivateDirectory(dirname(path));
    return (await readStored(path, schema)) ?? initial;
  }

  /**
   * Replaces the content by `change(content)`, and returns it. Nothing is written when `change` throws or returns what
   * it was given. Throws `state.busy`, `state.corrupt`, `state.exposed`, `state.unwritable`.
   */
  async update(change: (current: T) => T): Promise<T> {
    const { path, lockWaitMs } = this.#options;
    await makePrivateDirectory(dirname(path));
    await checkPrivateDirectory(dirname(path)); // before the lock: it may yet be empty
    const replace = async (): Promise<T> => {
      const current = await this.read();
      const next = change(current);
      if (next !== current) await writePrivateFile(path, `${JSON.stringify(next, null, 2)}\n`);
      return next;
    };
    return withLock(path, replace, lockWaitMs === undefined ? {} : { waitMs: lockWaitMs });
  }
}

/**
 * The checked content of one of our own JSON files, or undefined when there is none. Throws `state.corrupt`, which names
 * the path and the place in the file and never repeats its content, and `state.unwritable` when it cannot be read.
 */
export async function readStored<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new SidecarError('state.corrupt', { path, file: path, reason: 'it is not JSON' });
    if (errorCode(error) === 'ENOENT') return undefined;
    throw unwritable(path, error);
  }
  const checked = v.safeParse(schema, content);
  if (checked.success) return checked.output;
  const key = v.getDotPath(checked.issues[0]) ?? 'the whole file';
  throw new SidecarError('state.corrupt', { path, file: path, key, reason: `${key} is not as expected` });
}
