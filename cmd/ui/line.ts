import { escapeForTerminal } from './escape.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A stretch of text of one look. */
export type Segment = string | { readonly text: string; readonly style: Style };

/** One line of output, without its end. */
export type Line = readonly Segment[];

/** SGR parameters that switch a style on and off (ECMA-48 §8.3.117). */
const sgr: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/**
 * A line as the terminal gets it. This is the one place where text is escaped: whatever a segment holds, a file name or
 * the words of the other side, it cannot end the line, colour it or move the cursor.
 */
export function paint(line: Line, colour: boolean): string {
  return line
    .map((segment) => {
      if (typeof segment === 'string') return escapeForTerminal(segment);
      const text = escapeForTerminal(segment.text);
      if (!colour) return text;
      const [on, off] = sgr[segment.style];
      return `\x1b[${on}m${text}\x1b[${off}m`;
    })
    .join('');
}

/** A line's text as it is shown, without its looks. */
export function plainText(line: Line): string {
  return paint(line, false);
}

/** The line cut to `columns`, so that it never wraps: a wrapped line cannot be cleared. */
export function fit(line: Line, columns: number): Line {
  let left = columns;
  return line.flatMap((segment) => {
    const characters = Array.from(escapeForTerminal(typeof segment === 'string' ? segment : segment.text));
    const text = characters.slice(0, Math.max(left, 0)).join('');
    left -= characters.length;
    if (text === '') return [];
    return [typeof segment === 'string' ? text : { ...segment, text }];
  });
}
