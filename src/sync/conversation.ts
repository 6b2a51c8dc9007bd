import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SidecarError } from '../errors.js';
import type { Channel, Transport } from '../transport/transport.js';
import { remoteCommand, remoteScriptLine } from './remote-script.js';

/** One line of an answer: its first word, and the rest as bytes (latin1). */
export interface Answer {
  readonly word: string;
  readonly rest: string;
}

/** Bytes. A line holds a path at most; start files may print a page; git may complain at length. */
const lineLimit = 64 * 1024;
const noiseLimit = 1024 * 1024;
const messageLimit = 8 * 1024;

/**
 * Talks to the far half (`remote/`) over a channel: requests are lines, answers are lines that begin with a nonce. Nothing that comes
 * back is trusted: a line without the nonce is noise, and noise, lines and messages are bounded.
 */
export class Conversation {
  readonly #channel: Channel;
  readonly #answers: AsyncGenerator<Answer, void>;
  #message = '';

  private constructor(channel: Channel, nonce: string) {
    this.#channel = channel;
    this.#answers = readAnswers(channel.stdout, nonce + ' ');
    channel.stdin.on('error', () => undefined); // the answer, or its absence, tells more
    channel.exit.catch(() => undefined);
    channel.stderr.on('error', () => undefined);
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#message = (this.#message + chunk.toString('latin1')).slice(-messageLimit);
    });
  }

  /** Starts the script on the far side. */
  static async start(transport: Transport, signal: AbortSignal): Promise<Conversation> {
    const nonce = randomBytes(12).toString('hex');
    const channel = await transport.exec(remoteCommand, { signal });
    const conversation = new Conversation(channel, nonce);
    channel.stdin.write(remoteScriptLine(nonce), 'latin1');
    return conversation;
  }

  /** Sends one request. Its parts hold no newline: the callers see to that. */
  ask(request: string): void {
    this.#channel.stdin.write(request + '\n');
  }

  /**
   * Sends a stream as it is. Resolves when it was handed over, or when the far side stopped taking it: its answer then
   * says why. Rejects only when the stream itself fails.
   */
  async send(stream: Readable, onBytes: (bytes: number) => void): Promise<void> {
    stream.on('data', (chunk: Buffer) => onBytes(chunk.length));
    await pipeline(stream, this.#channel.stdin, { end: false }).catch((error: unknown) => {
      if (stream.errored !== null && stream.errored === error) throw error;
    });
  }

  /**
   * The next answer. Rejects with `ssh.connection_lost` when the connection went, `sync.bad_reply` when what came is no
   * answer, and `sync.remote_failed` when the script over there ended without one.
   */
  async answer(): Promise<Answer> {
    const next = await this.#answers.next().catch(async (error: unknown) => {
      if (error instanceof SidecarError) throw error;
      await this.#channel.exit; // a stream that broke: the channel knows why
      throw error;
    });
    if (next.value !== undefined) return next.value;
    const exit = await this.#channel.exit;
    const ending = exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    const message = this.#message.trim().split('\n').slice(-3).join('; ');
    throw new SidecarError('sync.remote_failed', {
      reason: message === '' ? `the remote shell ended with ${ending}` : message,
      ending,
    });
  }

  /** Ends the conversation, wherever it is. May be called twice. */
  async close(): Promise<void> {
    this.#channel.stdin.end();
    this.#channel.close();
    await this.#answers.return();
  }
}

async function* readAnswers(stdout: Readable, prefix: string): AsyncGenerator<Answer, void> {
  let pending = '';
  let noise = 0;
  for await (const chunk of stdout) {
    pending += (chunk as Buffer).toString('latin1');
    let start = 0;
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n', start)) {
      const line = pending.slice(start, end);
      start = end + 1;
      // A start file may print without a newline at its end.
      const at = line.indexOf(prefix);
      noise += at < 0 ? line.length : at;
      if (at >= 0) yield parse(line.slice(at + prefix.length));
    }
    pending = pending.slice(start);
    if (pending.length > lineLimit || noise > noiseLimit) {
      throw new SidecarError('sync.bad_reply', { reason: 'the sidecar prints without end' });
    }
  }
}

function parse(line: string): Answer {
  const space = line.indexOf(' ');
  return space < 0 ? { word: line, rest: '' } : { word: line.slice(0, space), rest: line.slice(space + 1) };
}
