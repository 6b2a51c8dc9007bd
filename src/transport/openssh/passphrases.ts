import type { AskPassphrase } from '../passphrase.js';

/** The passphrases that were given, so that nobody is asked for the same one at every attempt. */
export class Passphrases {
  readonly #ask: AskPassphrase;
  readonly #given = new Map<string, string>();

  constructor(ask: AskPassphrase) {
    this.#ask = ask;
  }

  /** `retry`: the last answer was wrong. Undefined: the user gives none. */
  async of(path: string, retry: boolean): Promise<string | undefined> {
    const known = this.#given.get(path);
    if (known !== undefined && !retry) return known;
    const answer = await this.#ask(path, retry);
    if (answer === undefined || answer === '') return undefined;
    this.#given.set(path, answer);
    return answer;
  }

  /** A PIN is never given twice: a security key locks itself after some that were wrong. */
  pinOf(what: string, retry: boolean): Promise<string | undefined> {
    return this.#ask(`${what} (its PIN)`, retry);
  }
}
