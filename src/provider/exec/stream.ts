import { Duplex } from 'node:stream';
import type { Clock } from '../../clock.js';
import { callLimitsMs, parseObject, readFailure } from './ask.js';
import { endedUnspoken, failed, notStarted, protocolError, tooSlow, type Asked } from './errors.js';
import { ProviderProcess, type ProcessEnd } from './provider-process.js';
import { SpokenLines } from './spoken-lines.js';
import type { SidecarError } from '../../errors.js';

export interface Connecting {
  readonly asked: Asked & { readonly call: 'connect' };
  /** Becomes its last argument: it holds no secret. */
  readonly request: unknown;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a provider program whose stdin and stdout are the stream to an SSH server, and returns that once the server has
 * spoken, which it does first. What keeps it from speaking is thus known here, and thrown.
 *
 * The program ends with the stream, and the stream with the program. Throws as `ask`, and `ssh.unreachable` where it ends
 * without saying why.
 */
export async function connectThrough({ asked, request, env, clock, signal }: Connecting): Promise<Duplex> {
  signal?.throwIfAborted();
  const [file, ...args] = asked.program.command;
  const argv = [file, ...args, asked.call, JSON.stringify(request)] as const;
  const process = await ProviderProcess.start([...argv], { env, clock }).catch((error: unknown) => {
    throw notStarted(asked, error);
  });
  const lines = new SpokenLines(process.child.stderr);
  const stream = new ProgramStream(process);
  const settled = new AbortController();
  const waits = signal === undefined ? settled.signal : AbortSignal.any([settled.signal, signal]);
  try {
    await Promise.race([
      stream.spoken,
      stream.over.then(async () => {
        throw silence(asked, await process.ended(), lines.last);
      }),
      clock.sleep(callLimitsMs.connect, waits).then(() => {
        throw tooSlow(asked, callLimitsMs.connect);
      }),
    ]);
    signal?.throwIfAborted();
    return stream;
  } catch (error) {
    stream.destroy();
    await process.stop();
    throw error;
  } finally {
    settled.abort();
  }
}

/** Why there is no stream: what the program says in its last line, where that is a document, else how it ended. */
function silence(asked: Asked, end: ProcessEnd, said: string | undefined): SidecarError {
  const document = said === undefined ? undefined : parseObject(said);
  if (document === undefined) return endedUnspoken(asked, end, said);
  const problem = readFailure(document);
  return problem === undefined
    ? protocolError(asked, 'the last line that it printed is no error')
    : failed(asked, problem);
}

/** The stdin and stdout of a program as one stream. */
class ProgramStream extends Duplex {
  /** Resolves with the first byte. */
  readonly spoken: Promise<void>;
  /** Resolves when no byte will come any more. */
  readonly over: Promise<void>;
  readonly #process: ProviderProcess;

  constructor(process: ProviderProcess) {
    super({ allowHalfOpen: false });
    this.#process = process;
    const { stdout } = process.child;
    this.spoken = new Promise((resolve) => stdout.once('data', () => resolve()));
    this.over = new Promise((resolve) => stdout.once('close', resolve));
    stdout.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) stdout.pause();
    });
    stdout.once('end', () => {
      if (!this.destroyed) this.push(null);
    });
    this.on('error', () => undefined); // whoever has the stream learns of it by its end
  }

  override _read(): void {
    this.#process.child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#process.child.stdin.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#process.child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { stdin, stdout } = this.#process.child;
    stdin.destroy();
    stdout.destroy();
    void this.#process.stop();
    done(error);
  }
}
