import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock, type Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Channel, Transport } from '../transport/transport.js';
import { Answers, endless, type Answer } from './answers.js';
import { printLimit, shortened } from './limits.js';
import { firstWordMs, remoteCommand, remoteScriptLine, silent, type Subject } from './remote-script.js';

/** Bytes of messages (stderr) that are kept, to tell why the far half ended. */
const messageKept = 8 * 1024;

/**
 * Talks to the far half (`remote/`) over a channel: requests are lines, answers are lines that begin with a nonce. Nothing that comes
 * back is trusted: a line without the nonce is noise, and whatever is printed is bounded, on stdout and on stderr.
 */
export class Conversation {
  /** Resolves when the far half has ended, or the channel to it was lost or closed. */
  readonly ended: Promise<void>;
  readonly #channel: Channel;
  readonly #answers: Answers;
  readonly #begun = new AbortController();
  #heard = 0;
  #message = '';
  /** Why this side ended it. */
  #failure: Error | undefined;
  /** Whether the far side no longer takes what is sent. */
  #deaf = false;

  private constructor(channel: Channel, nonce: string) {
    this.#channel = channel;
    this.#answers = new Answers(channel.stdout, nonce + ' ');
    // The answer, or its absence, tells more.
    for (const event of ['error', 'close']) channel.stdin.on(event, () => (this.#deaf = true));
    const ended = (): void => undefined;
    this.ended = channel.exit.then(ended, ended);
    channel.stderr.on('error', () => undefined);
    let messageBytes = 0;
    channel.stderr.on('data', (chunk: Buffer) => {
      messageBytes += chunk.length;
      this.#message = (this.#message + chunk.toString('latin1')).slice(-messageKept);
      if (messageBytes > printLimit) this.abandon(endless());
    });
  }

  /** Starts the script on the far side. */
  static async start(
    transport: Pick<Transport, 'exec'>,
    signal: AbortSignal,
    clock: Clock = systemClock,
    subject: Subject = 'sync',
  ): Promise<Conversation> {
    const nonce = randomBytes(12).toString('hex');
    const channel = await transport.exec(remoteCommand, { signal });
    const conversation = new Conversation(channel, nonce);
    channel.stdin.write(remoteScriptLine(nonce, subject), 'latin1');
    conversation.#watchFirstWord(clock);
    return conversation;
  }

  /** How many answers have come so far. */
  get heard(): number {
    return this.#heard;
  }

  /** Ends it when the signal is aborted, with the signal's reason: for whoever takes over one that another has begun. */
  endWith(signal: AbortSignal): void {
    const onAbort = (): void => this.abandon(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void this.ended.then(() => signal.removeEventListener('abort', onAbort));
  }

  /** Sends one request. Its parts hold no newline: the callers see to that. */
  ask(request: string): void {
    this.#channel.stdin.write(request + '\n');
  }

  /** Asks no more: for a last request of which the far side reads all there is. */
  end(): void {
    this.#channel.stdin.end();
  }

  /**
   * Sends a stream as it is. Resolves when it was handed over, or when the far side stopped taking it: its answer then
   * says why. Rejects only when the stream itself fails.
   */
  async send(stream: Readable, onBytes: (bytes: number) => void): Promise<void> {
    stream.on('data', (chunk: Buffer) => onBytes(chunk.length));
    await pipeline(stream, this.#channel.stdin, { end: false }).catch((error: unknown) => {
      if (!this.#deaf) throw error;
    });
  }

  /**
   * The next answer. Rejects with `ssh.connection_lost` when the connection went, `sync.bad_reply` when what came is no
   * answer, and `sync.remote_failed` when the script over there ended without one, or never began.
   */
  async answer(): Promise<Answer> {
    try {
      const value = await this.#answers.next().catch((error: unknown) => this.#broken(error));
      if (!this.#begun.signal.aborted) this.#begun.abort();
      if (value === undefined) return await this.#withoutAnswer();
      this.#heard += 1;
      return value;
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /**
   * The bytes that follow an answer which announced so many. Read them to their end before the next answer. Rejects as
   * `answer` does.
   */
  async *bytes(length: number): AsyncGenerator<Buffer, void> {
    try {
      yield* this.#answers.take(length);
    } catch (error) {
      throw this.#failure ?? (await this.#broken(error).catch((cause: unknown) => cause));
    }
  }

  /** Ends the conversation with an error: whoever waits for an answer gets it. The first one counts. */
  abandon(error: Error): void {
    this.#failure ??= error;
    this.#channel.close();
  }

  /** Ends the conversation, wherever it is. May be called twice. */
  async close(): Promise<void> {
    this.#begun.abort();
    this.#channel.stdin.end();
    this.#channel.close();
    await this.#answers.close();
  }

  /** A start file that waits for input would have this side wait for ever. */
  #watchFirstWord(clock: Clock): void {
    const { signal } = this.#begun;
    void this.ended.then(() => this.#begun.abort());
    clock.sleep(firstWordMs, signal).then(
      () => this.abandon(new SidecarError('sync.remote_failed', { reason: silent })),
      () => undefined,
    );
  }

  /** Of a stream that broke, the channel knows why. */
  async #broken(error: unknown): Promise<never> {
    if (!(error instanceof SidecarError)) await this.#channel.exit;
    throw error;
  }

  /** The script over there ended before it answered. */
  async #withoutAnswer(): Promise<never> {
    const exit = await this.#channel.exit;
    const ending = exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal.slice(0, 20)}`;
    const said = Buffer.from(this.#message, 'latin1').toString('utf8').trim().split('\n').slice(-3).join('; ');
    const reason = said === '' ? `the remote shell ended with ${ending}` : shortened(said);
    throw new SidecarError('sync.remote_failed', { reason, ending });
  }
}
