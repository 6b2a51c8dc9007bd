export interface PathMapping {
  /** The workspace, as paths over there begin. Absolute. */
  readonly from: string;
  /** The working tree, as paths here begin. Absolute. */
  readonly to: string;
}

/**
 * Replaces one path by another in a stream of bytes, wherever it stands as a path or as the beginning of one, also as a
 * `file://` URL. All other bytes stay as they are, and how the stream is cut into chunks makes no difference.
 *
 * What may turn out to be the path is held back: less than the length of it, and one byte where all of it is there, because
 * the name may go on (`app`, `app2`).
 */
export class PathMapper {
  readonly #needles: readonly Needle[];
  #held = '';
  /** What came before what is held, as far as it matters. */
  #before = '';

  constructor({ from, to }: PathMapping) {
    const isUsable = from.startsWith('/') && from !== '/' && from !== to;
    const asUrl = { from: fileUrl(from), to: fileUrl(to) };
    this.#needles = isUsable ? [needle({ from, to }), needle(asUrl)] : [];
  }

  /** Whether something is held back. */
  get isHolding(): boolean {
    return this.#held !== '';
  }

  /** What is certain by now. */
  push(chunk: Buffer): Buffer {
    if (this.#needles.length === 0) return chunk;
    const known = this.#before + this.#held + bytesAsText(chunk);
    const { text, heldFrom } = this.#scan(known, this.#before.length, false);
    this.#keep(known, heldFrom);
    return textAsBytes(text);
  }

  /** Gives out what is held back as it came: somebody may be waiting for it. */
  release(): Buffer {
    const held = textAsBytes(this.#held);
    this.#keep(this.#before + this.#held);
    return held;
  }

  /** What is held back when nothing follows it any more. */
  end(): Buffer {
    const { text } = this.#scan(this.#before + this.#held, this.#before.length, true);
    this.#keep('');
    return textAsBytes(text);
  }

  #keep(text: string, heldFrom = text.length): void {
    this.#held = text.slice(heldFrom);
    this.#before = text.slice(Math.max(0, heldFrom - lookBehind), heldFrom);
  }

  #scan(text: string, from: number, isEnd: boolean): Scanned {
    let mapped = '';
    let done = from;
    const starts = new RegExp(start, 'g');
    starts.lastIndex = from;
    for (let found = starts.exec(text); found !== null; found = starts.exec(text)) {
      const verdict = this.#judge(text, found.index, isEnd);
      if (verdict === 'open') return { text: mapped + text.slice(done, found.index), heldFrom: found.index };
      if (verdict === 'other') continue;
      mapped += text.slice(done, found.index) + verdict.to;
      done = found.index + verdict.from.length;
      starts.lastIndex = done;
    }
    return { text: mapped + text.slice(done), heldFrom: text.length };
  }

  #judge(text: string, at: number, isEnd: boolean): Needle | 'open' | 'other' {
    for (const each of this.#needles) {
      const end = at + each.from.length;
      if (end < text.length || isEnd) {
        if (text.startsWith(each.from, at) && !nameGoesOn.test(text.charAt(end))) return each;
      } else if (each.from.startsWith(text.slice(at))) return 'open';
    }
    return 'other';
  }
}

interface Scanned {
  readonly text: string;
  /** Where what is not certain yet begins; the length of the text where all is. */
  readonly heldFrom: number;
}

/** Bytes as text in which each character is one of them. */
interface Needle {
  readonly from: string;
  readonly to: string;
}

/**
 * Where a path may begin: not within a name or another path. Signs that are no ASCII (U+2000 to U+2FFF in UTF-8: quotes,
 * arrows, lines of boxes) end a name; other such characters are letters. So does a sequence that sets a colour, though its
 * last byte looks like a letter.
 */
const start = String.raw`(?<=^|[^\w.~+@\-}/\x80-\xff]|\xe2[\x80-\xbf]{2}|\x1b\[[0-?]{0,40}[ -.]{0,4}[@-~])[/f]`;
const nameGoesOn = /^[\w.~+@\-\x80-\xe1\xe3-\xff]/;

/** More than `start` looks at. */
const lookBehind = 64;

function needle({ from, to }: PathMapping): Needle {
  return { from: bytesAsText(Buffer.from(from)), to: bytesAsText(Buffer.from(to)) };
}

/** As programs print it: what a URL cannot hold is escaped. */
function fileUrl(path: string): string {
  return `file://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
}

const bytesAsText = (bytes: Buffer): string => bytes.toString('latin1');
const textAsBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
