import { Readable } from 'node:stream';
import type { LocalTerminal } from '../../cmd/ui/local-terminal.js';
import type { OutputStream } from '../../cmd/ui/output.js';

/** A stream that keeps what was written to it. */
export interface FakeStream extends OutputStream {
  /** Everything written, control sequences included. */
  readonly written: string;
  /** What a reader of the terminal sees in the end: each line after its last return, without control sequences. */
  readonly shown: readonly string[];
}

export function fakeStream({ isTTY = false, columns = 80 }: { isTTY?: boolean; columns?: number } = {}): FakeStream {
  let written = '';
  return {
    isTTY,
    columns,
    write: (text, done) => {
      written += typeof text === 'string' ? text : Buffer.from(text).toString();
      done?.();
    },
    get written() {
      return written;
    },
    get shown() {
      return written.split('\n').map(lastDrawn);
    },
  };
}

function lastDrawn(line: string): string {
  const overwritten = line.slice(line.lastIndexOf('\r') + 1);
  // eslint wants no control character in a pattern, so ESC is put in by hand.
  return overwritten.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g'), '');
}

/** The input of a program that nobody types to. */
export const noTerminal: LocalTerminal = {
  isTerminal: false,
  input: () => Readable.from([]),
  describe: () => ({ term: 'dumb', columns: 80, rows: 24 }),
  makeRaw: () => () => undefined,
  onResize: () => () => undefined,
  suspend: () => Promise.resolve(),
};
