import type { Readable } from 'node:stream';

/** How much of a line is told, in characters. */
const longestLine = 500;
/** How many lines of one call are told. */
const mostLines = 2_000;

/** What a program says on its stderr, line by line and bounded. It may be anything, and is to be escaped. */
export class SpokenLines {
  /** The last line that says something. */
  last: string | undefined;
  #open = '';
  #told = 0;

  constructor(stderr: Readable, tell: (line: string) => void = () => undefined) {
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => {
      // A progress bar returns to the start of its line.
      const lines = (this.#open + text).split(/\r\n|\n|\r/);
      this.#open = (lines.pop() ?? '').slice(0, longestLine + 1);
      for (const line of lines) this.#say(line, tell);
    });
    stderr.once('end', () => this.#say(this.#open, tell));
  }

  #say(text: string, tell: (line: string) => void): void {
    const line = text.trimEnd();
    if (line === '') return;
    this.last = line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
    this.#told += 1;
    if (this.#told <= mostLines) tell(this.last);
    else if (this.#told === mostLines + 1) tell('…');
  }
}
