import type { Readable } from 'node:stream';
import { SidecarError } from '../errors.js';
import { answerLimit, printLimit } from './limits.js';

/** One line of an answer: its first word, and the rest as bytes (latin1). */
export interface Answer {
  readonly word: string;
  readonly rest: string;
}

/**
 * The answers in what the far side prints: what follows `prefix`, to the end of its line. Everything else is noise, such
 * as a start file prints, with or without a newline at its end. After an answer that says so come bytes, as they are.
 */
export class Answers {
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  readonly #prefix: string;
  #pending = '';
  #noise = 0;

  constructor(stdout: Readable, prefix: string) {
    this.#chunks = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    this.#prefix = prefix;
  }

  /** The next answer; undefined at the end. Throws `sync.bad_reply` where noise or an answer go beyond their limits. */
  async next(): Promise<Answer | undefined> {
    // Where the search for the end of the first line goes on.
    let from = 0;
    for (;;) {
      for (let end = this.#pending.indexOf('\n', from); end >= 0; end = this.#pending.indexOf('\n')) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 1);
        const at = line.indexOf(this.#prefix);
        this.#overhear(at < 0 ? line.length + 1 : at);
        if (at >= 0) return parse(line.slice(at + this.#prefix.length));
      }
      this.#dropIdle();
      from = this.#pending.length;
      if (!(await this.#read())) return undefined;
    }
  }

  /** The next so many bytes, in pieces. Throws `sync.bad_reply` where the far side ends before. */
  async *take(bytes: number): AsyncGenerator<Buffer, void> {
    for (let left = bytes; left > 0;) {
      if (this.#pending === '' && !(await this.#read())) {
        const reason = 'the sidecar sent less than it said';
        throw new SidecarError('sync.bad_reply', { reason, ending: 'too early' });
      }
      const piece = this.#pending.slice(0, left);
      this.#pending = this.#pending.slice(piece.length);
      left -= piece.length;
      yield Buffer.from(piece, 'latin1');
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done === true) return false;
    this.#pending += value.toString('latin1');
    return true;
  }

  /** The beginning of a line that is still to end: what cannot be part of an answer is not kept. */
  #dropIdle(): void {
    const at = this.#pending.indexOf(this.#prefix);
    const idle = at < 0 ? Math.max(0, this.#pending.length - this.#prefix.length + 1) : at;
    this.#overhear(idle);
    this.#pending = this.#pending.slice(idle);
    if (this.#pending.length > this.#prefix.length + answerLimit) throw endless();
  }

  #overhear(characters: number): void {
    this.#noise += characters;
    if (this.#noise > printLimit) throw endless();
  }
}

function parse(answer: string): Answer {
  if (answer.length > answerLimit) throw endless();
  const space = answer.indexOf(' ');
  return space < 0 ? { word: answer, rest: '' } : { word: answer.slice(0, space), rest: answer.slice(space + 1) };
}

export function endless(): SidecarError {
  return new SidecarError('sync.bad_reply', { reason: 'the sidecar prints without end' });
}
