import type { Line } from './line.js';

/** The text as a code for a telephone's camera; nothing where the terminal is too narrow for it, or it is too long for one. */
export async function qrLines(text: string, columns: number): Promise<readonly Line[]> {
  if (text.length > longestText) return [];
  const { renderUnicodeCompact } = await import('uqr');
  const rows = renderUnicodeCompact(text, { border: 2 }).split('\n');
  return rows.some((row) => row.length > columns) ? [] : rows.map((row) => [row]);
}

/** The bytes of the largest code hold no more (ISO/IEC 18004); what a telephone reads off a screen is far shorter. */
const longestText = 500;
