import type { Duplex } from 'node:stream';
import type { SidecarError } from '../../errors.js';
import { WireReader } from '../wire-reader.js';
import { uint32, wireString } from '../wire-writer.js';
import { Frames } from './frames.js';
import { message } from './messages.js';
import { WireChannel, windowBytes, type SendMessage } from './wire-channel.js';

interface Opening {
  readonly resolve: (channel: WireChannel) => void;
  readonly reject: (error: unknown) => void;
}

/** The server would not open a channel (RFC 4254 §5.1). */
export class OpenRefused extends Error {
  override readonly name = 'OpenRefused';

  constructor(
    readonly reason: number,
    description: string,
  ) {
    super(description);
  }
}

/**
 * The connection protocol of SSH, RFC 4254, as OpenSSH speaks it with who multiplexes over its connection: its messages
 * without encryption, see `MUX_C_PROXY` in PROTOCOL.mux.
 */
export class WireConnection {
  readonly #stream: Duplex;
  readonly #frames = new Frames();
  readonly #channels = new Map<number, WireChannel>();
  readonly #opening = new Map<number, Opening>();
  #nextId = 0;

  /** `onBroken` is told of what is no SSH. Whoever owns the stream sees to its end, and ends this one with it. */
  constructor(stream: Duplex, { onBroken }: { readonly onBroken: (error: Error) => void }) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const frame of this.#frames.take(chunk)) this.#receive(frame);
      } catch (error) {
        stream.removeAllListeners('data');
        onBroken(error as Error);
      }
    });
  }

  /** Rejects with `OpenRefused`, or with what the connection is ended with before the server has answered. */
  open(type: string, ...details: readonly Buffer[]): Promise<WireChannel> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#opening.set(id, { resolve, reject });
      const sizes = [uint32(windowBytes), uint32(packetBytes)];
      this.#send(message.channelOpen, [wireString(type), uint32(id), ...sizes, ...details]);
    });
  }

  /** Tells each channel what becomes of it, and who waits for one that there will be none. */
  end(error: SidecarError, tell: (channel: WireChannel) => void): void {
    for (const { reject } of this.#opening.values()) reject(error);
    this.#opening.clear();
    for (const channel of this.#channels.values()) tell(channel);
    this.#channels.clear();
  }

  #receive(frame: Buffer): void {
    const reader = new WireReader(frame);
    reader.skip(1); // the length of a padding that there is not
    const type = reader.byte();
    if (type < message.channelOpenConfirmation || type > message.channelFailure) return;
    const id = reader.uint32();
    if (type === message.channelOpenConfirmation) this.#opened(id, reader);
    else if (type === message.channelOpenFailure) this.#refused(id, reader);
    else this.#channels.get(id)?.receive(type, reader);
  }

  #opened(id: number, reader: WireReader): void {
    const opening = this.#opening.get(id);
    if (opening === undefined) return;
    this.#opening.delete(id);
    const [remoteId, room, maxBytes] = [reader.uint32(), reader.uint32(), reader.uint32()];
    const onOver = (): void => void this.#channels.delete(id);
    const channel = new WireChannel(
      { remoteId, room, maxBytes: Math.min(maxBytes, packetBytes) },
      { send: this.#send, onOver },
    );
    this.#channels.set(id, channel);
    opening.resolve(channel);
  }

  #refused(id: number, reader: WireReader): void {
    const reason = reader.uint32();
    this.#opening.get(id)?.reject(new OpenRefused(reason, reader.string().toString('utf8')));
    this.#opening.delete(id);
  }

  readonly #send: SendMessage = (type, parts, sent) => {
    const bytes = parts.reduce((sum, part) => sum + part.length, 2);
    const frame = Buffer.concat([uint32(bytes), Buffer.from([0, type]), ...parts]);
    this.#stream.write(frame, (error) => {
      // Where the stream has gone, its owner tells what became of it.
      if (error === null || error === undefined) sent?.();
    });
  };
}

/** RFC 4253 §6.1: what everybody has to take. */
const packetBytes = 32 * 1024;
