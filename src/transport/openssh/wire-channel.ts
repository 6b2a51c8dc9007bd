import type { Readable, Writable } from 'node:stream';
import type { SidecarError } from '../../errors.js';
import type { Exit } from '../transport.js';
import { WireReader } from '../wire-reader.js';
import { boolean, uint32, wireString } from '../wire-writer.js';
import { Input } from './input.js';
import { message } from './messages.js';
import { Output } from './output.js';

/** How a channel sends. `sent` is called once the message is off our hands. */
export type SendMessage = (type: number, parts: readonly Buffer[], sent?: () => void) => void;

/** What we let the far side send ahead of what is read here, in bytes. */
export const windowBytes = 2 * 1024 * 1024;
/** How much room there has to be again before the far side hears of it. */
const grantBytes = 64 * 1024;

const stderrStream = 1;

/** One channel of RFC 4254 §5: bytes both ways within their windows, requests, and an end. */
export class WireChannel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Resolves once the far side has closed it and what it sent is taken over by the streams, with the exit that it told of;
   * rejects with the error that it was failed with before.
   */
  readonly ended: Promise<Exit | undefined>;
  /** Resolves once the far side has closed it. Not where it was failed. */
  readonly closedThere: Promise<void>;
  readonly #remoteId: number;
  readonly #send: SendMessage;
  readonly #onOver: () => void;
  readonly #input: Input;
  readonly #outputs: readonly [stdout: Output, stderr: Output];
  #settle: { resolve(exit: Exit | undefined): void; reject(error: unknown): void } | undefined;
  #resolveClosedThere: () => void = () => undefined;
  #exit: Exit | undefined;
  /** Who waits for the answer to a request, in the order of asking. */
  #asked: { readonly resolve: (isDone: boolean) => void; readonly reject: (error: unknown) => void }[] = [];
  #windowBytes = windowBytes;
  #takenBytes = 0;
  #undone = 2;
  #sentClose = false;
  #gotClose = false;

  /** `onOver` is called once it has come to its end, or was failed: nothing that comes for it after that matters. */
  constructor(
    { remoteId, room, maxBytes }: { remoteId: number; room: number; maxBytes: number },
    { send, onOver }: { send: SendMessage; onOver: () => void },
  ) {
    this.#remoteId = remoteId;
    this.#send = send;
    this.#onOver = onOver;
    this.closedThere = new Promise((resolve) => (this.#resolveClosedThere = resolve));
    this.ended = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ended.catch(() => undefined);
    this.#input = new Input({
      send: (bytes, sent) => this.#tell(message.channelData, [uint32(bytes.length), bytes], sent),
      sendEnd: () => this.#tell(message.channelEof),
    });
    const output = (): Output => new Output({ onTaken: (bytes) => this.#taken(bytes), onDone: () => this.#oneDone() });
    this.#outputs = [output(), output()];
    this.stdin = this.#input.stream;
    [this.stdout, this.stderr] = [this.#outputs[0].stream, this.#outputs[1].stream];
    this.#input.grant(room, maxBytes);
  }

  /** Asks for something (RFC 4254 §5.4), and whether it was done. Rejects where the channel is failed first. */
  request(name: string, ...details: readonly Buffer[]): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#sentClose || this.#gotClose) {
        resolve(false);
        return;
      }
      this.#asked.push({ resolve, reject });
      this.#tell(message.channelRequest, [wireString(name), boolean(true), ...details]);
    });
  }

  /** The same, where nobody waits for an answer. */
  notify(name: string, ...details: readonly Buffer[]): void {
    this.#tell(message.channelRequest, [wireString(name), boolean(false), ...details]);
  }

  /** Ends it now, unless it has come to its end. May be called twice. */
  fail(error: unknown): void {
    if (this.#settle === undefined) return;
    this.#settle.reject(error);
    this.#settle = undefined;
    for (const { reject } of this.#asked.splice(0)) reject(error);
    const cause = error instanceof Error ? error : new Error(String(error));
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(cause);
    this.#close();
    this.#onOver();
  }

  /** The connection is gone: what the far side had ended before only waits to be read. */
  lose(error: SidecarError): void {
    if (!this.#gotClose) this.fail(error);
  }

  /** A message that came for it, behind the number of the channel. Throws a RangeError for one that is not whole. */
  receive(type: number, reader: WireReader): void {
    switch (type) {
      case message.channelData:
        this.#receiveData(this.#outputs[0], reader.string());
        return;
      case message.channelExtendedData: {
        const which = reader.uint32();
        const bytes = reader.string();
        if (which === stderrStream) this.#receiveData(this.#outputs[1], bytes);
        else this.#taken(bytes.length);
        return;
      }
      case message.channelWindowAdjust:
        this.#input.grant(reader.uint32());
        return;
      case message.channelEof:
        for (const output of this.#outputs) output.end();
        return;
      case message.channelRequest:
        this.#receiveRequest(reader);
        return;
      case message.channelSuccess:
      case message.channelFailure:
        this.#asked.shift()?.resolve(type === message.channelSuccess);
        return;
      case message.channelClose:
        this.#receiveClose();
        return;
    }
  }

  #receiveData(output: Output, bytes: Buffer): void {
    if (bytes.length > this.#windowBytes) throw new RangeError('the server sent more than it may');
    this.#windowBytes -= bytes.length;
    output.take(bytes);
  }

  /** What waits no more makes room over there. */
  #taken(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < grantBytes || this.#gotClose) return;
    this.#windowBytes += this.#takenBytes;
    this.#tell(message.channelWindowAdjust, [uint32(this.#takenBytes)]);
    this.#takenBytes = 0;
  }

  #receiveRequest(reader: WireReader): void {
    const name = reader.string().toString('latin1');
    const wantsReply = reader.byte() !== 0;
    if (name === 'exit-status') this.#exit = { kind: 'code', code: reader.uint32() };
    if (name === 'exit-signal') this.#exit = { kind: 'signal', signal: reader.string().toString('latin1') };
    if (wantsReply) this.#tell(message.channelFailure);
  }

  #receiveClose(): void {
    if (this.#gotClose) return;
    this.#gotClose = true;
    for (const { resolve } of this.#asked.splice(0)) resolve(false);
    this.#close();
    this.#resolveClosedThere();
    for (const output of this.#outputs) output.end();
    this.#endOnceOver();
  }

  #oneDone(): void {
    this.#undone -= 1;
    this.#endOnceOver();
  }

  /** After an end of file, a command may still run. */
  #endOnceOver(): void {
    if (this.#undone > 0 || !this.#gotClose) return;
    if (this.#settle === undefined) return;
    this.#settle.resolve(this.#exit);
    this.#settle = undefined;
    this.#onOver();
  }

  #close(): void {
    if (this.#sentClose) return;
    this.#tell(message.channelClose);
    this.#sentClose = true;
  }

  #tell(type: number, parts: readonly Buffer[] = [], sent?: () => void): void {
    // After our close, nothing may follow.
    if (!this.#sentClose) this.#send(type, [uint32(this.#remoteId), ...parts], sent);
  }
}
