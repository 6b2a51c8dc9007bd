import { type Line, plainText } from './line.js';

/** Rows under a header, in columns as wide as their widest cell. The last column is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): readonly Line[] {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => width(cell))),
  );
  const lay = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === header.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
      )
      .join('  ')
      .trimEnd();
  return [[{ text: lay(header), style: 'dim' }], ...rows.map((row) => [lay(row)])];
}

/** How many columns the text takes once it is escaped; wide scripts are not told apart. */
function width(cell: string): number {
  return Array.from(plainText([cell])).length;
}
