import type { Style } from './line.js';

/** How a check ended, here and in the words of a list without a terminal. */
export type Result = 'ok' | 'warning' | 'failed' | 'skipped';

export const marks: Readonly<Record<Result, { readonly sign: string; readonly style: Style }>> = {
  ok: { sign: '✓', style: 'green' },
  warning: { sign: '!', style: 'yellow' },
  failed: { sign: '✗', style: 'red' },
  skipped: { sign: '–', style: 'dim' },
};

const widestResult = Math.max(...Object.keys(marks).map((result) => result.length));

/** A sign on a terminal, else a word. */
export function mark(result: Result, terminal: boolean): string {
  return terminal ? marks[result].sign : result.padEnd(widestResult);
}
