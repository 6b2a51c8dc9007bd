/** What a user means by a tilde at the start of a line. */
export type Escape = 'hang-up' | 'suspend' | 'help';

export type Typed =
  { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'escape'; readonly escape: Escape };

const [tilde, enter, newline] = [0x7e, 0x0d, 0x0a];
const escapes = new Map<number, Escape>([
  [0x2e, 'hang-up'],
  [0x1a, 'suspend'],
  [0x3f, 'help'],
]);

/**
 * The escapes of ssh in what is typed: `~.`, `~^Z` and `~?` at the start of a line, `~~` for a tilde. All else goes through
 * as it is; a tilde waits for the next key.
 *
 *   line start ──~──▶ tilde ──. ^Z ?──▶ escape, line start
 *    ▲      │           └──other──▶ in line
 *    └enter─┴──other──▶ in line
 */
export class TildeFilter {
  #state: 'line-start' | 'tilde' | 'in-line' = 'line-start';

  read(chunk: Buffer): readonly Typed[] {
    const typed: Typed[] = [];
    let bytes: number[] = [];
    for (const byte of chunk) {
      if (this.#state === 'tilde') {
        const escape = escapes.get(byte);
        if (escape !== undefined) {
          if (bytes.length > 0) typed.push({ kind: 'bytes', bytes: Buffer.from(bytes) });
          bytes = [];
          typed.push({ kind: 'escape', escape });
          this.#state = 'line-start';
          continue;
        }
        if (byte !== tilde) bytes.push(tilde);
      } else if (this.#state === 'line-start' && byte === tilde) {
        this.#state = 'tilde';
        continue;
      }
      bytes.push(byte);
      this.#state = byte === enter || byte === newline ? 'line-start' : 'in-line';
    }
    if (bytes.length > 0) typed.push({ kind: 'bytes', bytes: Buffer.from(bytes) });
    return typed;
  }
}
