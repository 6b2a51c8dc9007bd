import { escapeForTerminal } from './escape.js';
import { paint, type Style } from './line.js';
import type { Output } from './output.js';

/**
 * Prints a patch: byte for byte where it goes to a file or a program, for that one applies it; on a terminal escaped, for
 * it holds what somebody else wrote, and in colour.
 */
export async function printPatch(output: Output, patch: AsyncIterable<Buffer>): Promise<void> {
  const { terminal, colour } = output.look;
  if (!terminal && !colour) return printBytes(output, patch);
  const styleOf = patchStyles();
  const decoder = new TextDecoder();
  let pending = '';
  const print = async (lines: readonly string[]): Promise<void> => {
    const text = lines.map((line) => `${painted(line, styleOf(line), colour)}\n`).join('');
    if (text !== '') await output.pass('stdout', Buffer.from(text));
  };
  for await (const chunk of patch) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    await print(lines);
  }
  if (pending !== '') await print([pending]);
}

/** As it is: for bytes that hold nothing foreign, or go to no terminal. */
export async function printBytes(output: Output, bytes: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of bytes) await output.pass('stdout', chunk);
}

/** The looks of a patch, line by line: within a hunk, the first character tells. */
function patchStyles(): (line: string) => Style | undefined {
  let inHunk = false;
  return (line) => {
    if (line.startsWith('diff --git ')) inHunk = false;
    if (line.startsWith('@@ ')) {
      inHunk = true;
      return 'cyan';
    }
    if (!inHunk) return 'bold';
    return line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : undefined;
  };
}

/** Tabs are part of the text, and do no harm. */
function painted(line: string, style: Style | undefined, colour: boolean): string {
  const parts = line.split('\t');
  if (style === undefined) return parts.map(escapeForTerminal).join('\t');
  return parts.map((text) => (text === '' ? '' : paint([{ text, style }], colour))).join('\t');
}
