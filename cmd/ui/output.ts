import { jsonLine } from './escape.js';
import { type Line, fit, paint } from './line.js';
import { problemLine, type Problem } from './problem-line.js';

/** What the program needs of `process.stdout` and `process.stderr`. */
export interface OutputStream {
  /** Calls `done` when there is room for more; with an error when nobody reads any more. */
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  /** One JSON document on stdout, one on stderr for an error, and nothing else. */
  readonly json: boolean;
  /** Answers and errors only. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False after `--no-color`. */
  readonly color: boolean;
}

/**
 * Everything that the program prints goes through here: answers to stdout, the rest to stderr. On a terminal stderr ends
 * in one live line, which is taken away before anything else is printed and when the program ends.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether there is a terminal that a live line can be drawn on. */
  readonly live: boolean;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #colour: { readonly stdout: boolean; readonly stderr: boolean };
  readonly #left: string[] = [];
  #drawn = false;
  /** The last line on the terminal is a command's, and has not ended. */
  #foreignLine = false;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.verbose = options.verbose;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#colour = { stdout: hasColour(options, options.stdout), stderr: hasColour(options, options.stderr) };
    this.live = isTerminal(options.stderr, options.env) && !this.json && !this.quiet;
  }

  /** What the user asked for: the document with `--json`, else the lines. */
  answer(document: unknown, lines: readonly Line[]): void {
    this.#printResult(this.json ? [jsonLine(document)] : lines.map((line) => paint(line, this.#colour.stdout)));
  }

  /** What a command did: as an answer, but `--quiet` silences the words. */
  outcome(document: unknown, lines: readonly Line[]): void {
    this.answer(document, this.quiet ? [] : lines);
  }

  /** Something worth a line while the command works. */
  note(...line: Line): void {
    if (!this.quiet) this.#printStatus([{ text: 'sidecar: ', style: 'dim' }, ...line]);
  }

  /** Something that the user may have to act on, although the command goes on. */
  warn(...line: Line): void {
    if (!this.quiet) this.#printStatus(warning(line));
  }

  /**
   * Something that outlives the command, and is for the user to see to: said also with `--quiet`, for an error that follows may
   * speak of something else. `what` stands for it in that error's document.
   */
  leftBehind(words: string, what = words): void {
    this.#left.push(what);
    this.#printStatus(warning([words]));
  }

  /** A warning that is about a file. */
  problem(problem: Problem): void {
    if (!this.quiet) this.#printStatus(problemLine(problem));
  }

  /** An error: `document` with `--json`, else the lines, which `--quiet` does not silence. */
  fail(document: unknown, lines: readonly Line[]): void {
    if (this.json) this.#stderr.write(`${jsonLine(document)}\n`);
    else for (const line of lines) this.#printStatus(line);
  }

  /** What the user has to do for the command to go on: said on stderr in any case, with `--json` as one document. */
  ask(document: unknown, lines: readonly Line[]): void {
    this.fail(document, lines);
  }

  /** Help in answer to a wrong usage. It holds nothing foreign and is laid out already. */
  usage(text: string): void {
    this.#stderr.write(text);
  }

  /**
   * What a command on a sidecar printed, as it is. Resolves when there is room for more: with false when nobody reads any
   * more.
   */
  async pass(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<boolean> {
    this.clearProgress();
    this.#foreignLine = this.live && bytes.at(-1) !== newline;
    const to = stream === 'stdout' ? this.#stdout : this.#stderr;
    return new Promise((resolve) => to.write(bytes, (error) => resolve(error === undefined || error === null)));
  }

  /** How what is asked for is to look: on a terminal nothing may go out as it is. */
  get look(): { readonly terminal: boolean; readonly colour: boolean; readonly columns: number } {
    return { terminal: this.#stdout.isTTY === true, colour: this.#colour.stdout, columns: columnsOf(this.#stdout) };
  }

  /** What was told by `leftBehind`. */
  get left(): readonly string[] {
    return this.#left;
  }

  /** How wide what is printed beside the answer may be. */
  get statusColumns(): number {
    return columnsOf(this.#stderr);
  }

  /** Replaces the live line. Does nothing where there is no terminal. */
  progress(...line: Line): void {
    if (!this.live || this.#foreignLine) return;
    const text = paint(fit(line, columnsOf(this.#stderr) - 1), this.#colour.stderr);
    // Return, erase to the end of the line (ECMA-48 EL), draw.
    this.#stderr.write(`\r\x1b[K${text}`);
    this.#drawn = true;
  }

  /** Takes the live line away. */
  clearProgress(): void {
    if (!this.#drawn) return;
    this.#stderr.write('\r\x1b[K');
    this.#drawn = false;
  }

  #printStatus(line: Line): void {
    if (this.json) return;
    this.clearProgress();
    if (this.#foreignLine) this.#stderr.write('\n');
    this.#foreignLine = false;
    this.#stderr.write(`${paint(line, this.#colour.stderr)}\n`);
  }

  #printResult(lines: readonly string[]): void {
    this.clearProgress();
    for (const line of lines) this.#stdout.write(`${line}\n`);
  }
}

const warning = (line: Line): Line => [{ text: 'sidecar: warning: ', style: 'yellow' }, ...line];

const newline = 0x0a;

function isTerminal(stream: OutputStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** A terminal that was never told its size says 0. */
function columnsOf({ columns = 0 }: OutputStream): number {
  return columns > 0 ? columns : 80;
}

/** `--no-color` and NO_COLOR (no-color.org: set and not empty) beat FORCE_COLOR (force-color.org), which beats the rest. */
function hasColour({ env, color }: OutputOptions, stream: OutputStream): boolean {
  const { NO_COLOR: never = '', FORCE_COLOR: always = '' } = env;
  if (!color || never !== '') return false;
  if (always !== '') return always !== '0';
  return isTerminal(stream, env);
}
