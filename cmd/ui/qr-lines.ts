import type { Line } from './line.js';

/** The text as a code for a telephone's camera; nothing where the terminal is too narrow for it. */
export async function qrLines(text: string, columns: number): Promise<readonly Line[]> {
  const { renderUnicodeCompact } = await import('uqr');
  const rows = renderUnicodeCompact(text, { border: 2 }).split('\n');
  return rows.some((row) => row.length > columns) ? [] : rows.map((row) => [row]);
}
