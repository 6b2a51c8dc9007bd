/** `ESC [ ? … h` switches modes of the screen on, `l` off (DECSET and DECRST). */
const switches = /\x1b\[\?([\d;]{1,40})([hl])/g;
/** Longer than one that is split over two chunks. */
const longest = 48;

/** Cursor shown, lines wrapped: these are on when nobody has asked for anything. */
const usuallyOn: ReadonlySet<number> = new Set([7, 25]);

/**
 * Follows what a program does to the screen, so that it can be undone when the program is cut off: the alternate screen, a
 * hidden cursor, reports of the mouse and of pasting would stay.
 */
export class ScreenModes {
  readonly #changed = new Map<number, boolean>();
  #rest = '';

  watch(chunk: Uint8Array): void {
    const text = this.#rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    for (const [, modes = '', how] of text.matchAll(switches)) {
      for (const mode of modes.split(';').map(Number)) {
        const isOn = how === 'h';
        if (isOn === usuallyOn.has(mode)) this.#changed.delete(mode);
        else this.#changed.set(mode, isOn);
      }
    }
    const escape = text.lastIndexOf('\x1b');
    this.#rest =
      escape >= text.length - longest && escape >= 0 && !/[hl]/.test(text.slice(escape)) ? text.slice(escape) : '';
  }

  /** The program has ended by itself, and has put right what it wanted to. */
  forget(): void {
    this.#changed.clear();
  }

  /** What switches everything back, colours too; nothing where nothing was changed. */
  undo(): string {
    if (this.#changed.size === 0) return '';
    const back = [...this.#changed].map(([mode, isOn]) => `\x1b[?${mode}${isOn ? 'l' : 'h'}`);
    this.#changed.clear();
    // Keypad and colours as usual (DECKPNM, SGR 0).
    return `${back.join('')}\x1b>\x1b[0m`;
  }
}
