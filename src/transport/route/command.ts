import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, type Readable } from 'node:stream';
import { SidecarError } from '../../errors.js';
import { endGroup, endWithProcess } from './end-group.js';

/** What of a command's words is kept, in characters. */
const maxWords = 2_000;
/** How long a command may go on that has closed its output, before it is ended, in milliseconds. */
const lingerMs = 1_000;
/** How long to wait for the last words of a command that has ended: something else may still hold its stderr open. */
const wordsMs = 200;

/**
 * Starts a program whose input and output are a stream to the server, in a process group of its own. The group ends with
 * the stream, which is closed only then.
 *
 * Throws `ssh.config_invalid` for a program that cannot be started. The stream of one that ends is destroyed with that,
 * where a shell could not start what it was to run, else with `ssh.unreachable` and the last that it said.
 */
export async function openCommand(
  argv: readonly [string, ...string[]],
  { env }: { readonly env: NodeJS.ProcessEnv },
): Promise<Duplex> {
  const [program, ...args] = argv;
  try {
    const child = spawn(program, args, { env, stdio: 'pipe', detached: process.platform !== 'win32' });
    await once(child, 'spawn');
    endWithProcess(child);
    return new CommandStream(child);
  } catch (error) {
    const reason = `the proxy command cannot be started: ${error instanceof Error ? error.message : String(error)}`;
    throw new SidecarError('ssh.config_invalid', { reason }, { cause: error, retryable: false });
  }
}

class CommandStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #words = '';
  #hasAnswered = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    super();
    this.#child = child;
    child.on('error', ignore); // a signal that could not be sent
    child.stdin.on('error', ignore); // how it ended says more
    child.stdout.on('data', (chunk: Buffer) => {
      this.#hasAnswered = true;
      if (!this.destroyed && !this.push(chunk)) child.stdout.pause();
    });
    child.stdout.once('close', () => void this.#over());
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#words = (this.#words + text).slice(-maxWords)));
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // One that reads no more is about to end, and says why.
    this.#child.stdin.write(chunk, (error) => {
      if (!(error instanceof Error)) done();
      else void this.#over();
    });
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    void endGroup(this.#child).then(() => done(error));
  }

  /** It has closed its output, or its input: tells why, once that can be known. */
  async #over(): Promise<void> {
    const { stdout, stderr } = this.#child;
    await atMost(lingerMs, Promise.all([exited(this.#child), closed(stdout)]));
    await atMost(wordsMs, closed(stderr));
    if (!this.destroyed) this.destroy(this.#endedError());
  }

  #endedError(): SidecarError {
    const { exitCode, signalCode } = this.#child;
    const lines = lastLines(this.#words);
    const words = shortened(lines);
    // As a shell says that it could not start, or not find, what it was to run.
    const isMistaken = !this.#hasAnswered && (exitCode === 126 || exitCode === 127);
    const how =
      exitCode !== null
        ? `ended with exit code ${exitCode}`
        : signalCode !== null
          ? `was ended by ${signalCode}`
          : 'closed';
    const reason = `the proxy command ${how}${words === '' ? '' : `: ${words}`}`;
    const facts = { reason, ...(exitCode === null ? {} : { exitCode }) };
    return isMistaken
      ? new SidecarError('ssh.config_invalid', facts, { retryable: false })
      : new SidecarError('ssh.unreachable', facts, {
          retryable: this.#hasAnswered || !lines.some((line) => lasting.test(line)),
        });
  }
}

/** The command is often an ssh itself: of what that says last, this does not change by waiting. */
const lasting = new RegExp(
  [
    /\bPermission denied \(|\bToo many authentication failures|\bHost key verification failed\./,
    /\b[Bb]ad configuration option|\bBad owner or permissions on |\bUnable to negotiate with .* no matching /,
    // The host on the way forwards nothing; where it only does not reach the server, `connect failed` stands there.
    /\bopen failed: administratively prohibited\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** What a program says last tells most. */
function lastLines(words: string): string[] {
  const lines = words.split(/[\r\n]+/).map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(-3);
}

/** No more than an error message holds, and of a line that is long by itself the beginning. */
function shortened(lines: readonly string[]): string {
  const bounded = lines.map((line) => (line.length > 200 ? `${line.slice(0, 200)}…` : line));
  return bounded.join('; ').slice(-300);
}

async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()));
}

async function exited(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

const ignore = (): void => undefined;
