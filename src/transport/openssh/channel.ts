import { Duplex, finished, type Readable, type Writable } from 'node:stream';
import { SidecarError } from '../../errors.js';
import type { TerminalSize } from '../terminal.js';
import type { Channel, ExecOptions, Exit } from '../transport.js';
import { uint32 } from '../wire-writer.js';
import { brokenPipe } from './input.js';
import type { WireChannel } from './wire-channel.js';

/** A command that runs on a channel. */
export class ExecChannel implements Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<Exit>;
  readonly #wire: WireChannel;
  readonly #hasTerminal: boolean;
  #isOver = false;

  constructor(wire: WireChannel, { signal, terminal }: ExecOptions) {
    this.#wire = wire;
    this.#hasTerminal = terminal !== undefined;
    ({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr } = wire);
    const onAbort = (): void => wire.fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.exit = this.#end().finally(() => {
      this.#isOver = true;
      signal?.removeEventListener('abort', onAbort);
    });
    this.exit.catch(() => undefined);
  }

  resize(size: TerminalSize): void {
    if (this.#hasTerminal && !this.#isOver) this.#wire.notify('window-change', ...sizeDetails(size));
  }

  close(): void {
    const reason = 'the channel was closed here';
    this.#wire.fail(new SidecarError('ssh.connection_lost', { reason }, { retryable: false }));
  }

  async #end(): Promise<Exit> {
    const exit = await this.#wire.ended;
    if (!this.stdin.writableFinished) this.stdin.destroy(brokenPipe());
    if (exit === undefined) {
      throw new SidecarError('ssh.connection_lost', { reason: 'the command ended without an exit status' });
    }
    return exit;
  }
}

/** RFC 4254 §6.7: a size in pixels of 0 says nothing. */
export function sizeDetails({ columns, rows }: TerminalSize): Buffer[] {
  return [columns, rows, 0, 0].map(uint32);
}

/** A forwarded byte stream on a channel. */
export function forwardStream(wire: WireChannel): Duplex {
  const stream = Duplex.from({ readable: wire.stdout, writable: wire.stdin }).on('error', () => undefined);
  const closedHere = new SidecarError('ssh.connection_lost', { reason: 'it was closed here' }, { retryable: false });
  finished(stream, () => wire.fail(closedHere));
  // Nothing can be sent any more, but what has arrived may still have to be read.
  void wire.closedThere.then(() => {
    if (stream.readableEnded) stream.destroy();
    else stream.once('end', () => stream.destroy());
  });
  wire.ended.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  return stream;
}
