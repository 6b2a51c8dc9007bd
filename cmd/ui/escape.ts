/**
 * What may not reach a terminal as it is: C0 and C1 controls (ESC and the one-byte CSI among them), line and paragraph
 * separators, invisible characters that reorder text (the "Trojan Source" set, Unicode UAX #9), lone surrogates.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `text` with everything that could move the cursor, colour or reorder the line written out: `\n`, `\x1b`, `\u202e`. */
export function escapeForTerminal(text: string): string {
  return text.replace(unprintable, (character) => named[character] ?? codePoint(character));
}

/** One JSON document on one line that holds no raw control character at all, not even those that JSON itself allows. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(unprintable, (character) => `\\u${hex(character, 4)}`);
}

function codePoint(character: string): string {
  return character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

/** Every character of `unprintable` lies in the basic plane, so one code unit says it all. */
function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
