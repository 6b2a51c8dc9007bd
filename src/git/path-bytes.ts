/**
 * Paths are bytes. Inside, a path is a string with one character for each byte (latin1), so that it can be compared,
 * sorted and kept in a Set; it becomes text only to be shown.
 */
export type BytePath = string;

export const toBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** Splits what git prints with `-z`. */
export function splitNul(output: Buffer): BytePath[] {
  if (output.length === 0) return [];
  const parts = output.toString('latin1').split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

/** The same path without the output it was cut from: a string that is kept would keep all of that. */
export const apart = (path: BytePath): BytePath => toBytes(path).toString('latin1');

/** What git reads with `-z --stdin`. */
export function joinNul(lines: Iterable<string>): Buffer {
  let text = '';
  for (const line of lines) text += line + '\0';
  return Buffer.from(text, 'latin1');
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** Undoes git's C-style quoting of a path in line output: `"caf\303\251"`. Returns other text as it is. */
export function unquote(text: string): BytePath {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text;
  return text.slice(1, -1).replace(/\\([0-7]{3}|.)/gs, (_, escape: string) => {
    const code = escape.length === 3 ? parseInt(escape, 8) : (escapes[escape] ?? escape.charCodeAt(0));
    return String.fromCharCode(code & 0xff);
  });
}

/** A path as text: decoded where its bytes are UTF-8, and otherwise quoted as git does, which loses nothing. */
export function toText(path: BytePath): string {
  const bytes = toBytes(path);
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(bytes)) return text;
  let quoted = '"';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (char === '"' || char === '\\') quoted += '\\' + char;
    else if (byte >= 0x20 && byte < 0x7f) quoted += char;
    else quoted += '\\' + byte.toString(8).padStart(3, '0');
  }
  return quoted + '"';
}
