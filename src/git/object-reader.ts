import { startGit, type GitPlace, type RunningGit } from './run.js';

export interface StoredObject {
  readonly type: string;
  /** Undefined where there is more of it than was asked for. */
  readonly content: Buffer | undefined;
}

/**
 * Reads objects, one after the other, from one `git cat-file --batch` (git-cat-file(1)). Whoever knows that it will be
 * needed has it ready before it is.
 */
export class ObjectReader {
  readonly #place: GitPlace;
  readonly #limitBytes: number;
  #git: RunningGit | undefined;
  #waiting: ((object: StoredObject | undefined) => void)[] = [];
  #unread: Buffer = Buffer.alloc(0);
  /** Of an object that is too large, how many bytes are still to come and of no interest. */
  #toSkip = 0;
  #ended = false;

  /** Of an object of more than `limitBytes` only the type is told. */
  constructor(place: GitPlace, limitBytes: number) {
    this.#place = place;
    this.#limitBytes = limitBytes;
  }

  /** Starts the program, which the first `read` would do. */
  start(): RunningGit {
    if (this.#git !== undefined) return this.#git;
    const git = startGit(this.#place, ['cat-file', '--batch']);
    this.#git = git;
    git.stdin.on('error', () => undefined);
    git.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    const end = (): void => {
      this.#ended = true;
      for (const answer of this.#waiting.splice(0)) answer(undefined);
    };
    git.finished.then(end, end);
    return git;
  }

  /** Undefined for an object that is not there, or cannot be read. */
  read(id: string): Promise<StoredObject | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const { stdin } = this.start();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      stdin.write(`${id}\n`);
    });
  }

  close(): void {
    this.#git?.stdin.end();
  }

  /** `<id> <type> <size>`, the content, and an end of line; or `<id> missing`. */
  #take(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const skipped = Math.min(this.#toSkip, this.#unread.length);
      this.#toSkip -= skipped;
      this.#unread = this.#unread.subarray(skipped);
      const end = this.#unread.indexOf('\n');
      if (end < 0) return;
      const [, type, size] = this.#unread.subarray(0, end).toString('latin1').split(' ');
      const length = Number(size ?? NaN);
      if (type === undefined || !Number.isSafeInteger(length)) {
        this.#answer(end + 1, undefined);
      } else if (length > this.#limitBytes) {
        this.#toSkip = length + 1;
        this.#answer(end + 1, { type, content: undefined });
      } else {
        const from = end + 1;
        if (this.#unread.length < from + length + 1) return;
        this.#answer(from + length + 1, { type, content: Buffer.from(this.#unread.subarray(from, from + length)) });
      }
    }
  }

  #answer(taken: number, object: StoredObject | undefined): void {
    this.#unread = this.#unread.subarray(taken);
    this.#waiting.shift()?.(object);
  }
}
