import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import type { Channel } from '../../transport/transport.js';
import { toJson } from '../errors-as-json.js';
import { aliveMs } from '../signs-of-life.js';
import { FrameReader, kinds, writeFrame, type Kind } from './frames.js';

const size = v.strictObject({ columns: v.number(), rows: v.number() });

/**
 * Joins a client with the channel that was opened for it, until the command has ended or the client hangs up; then the
 * channel is closed. Each side waits for the other where it is behind.
 */
export async function serveChannel(socket: Socket, channel: Channel, rest: Buffer): Promise<void> {
  const gone = new AbortController();
  const { signal } = gone;
  socket.once('close', () => gone.abort());
  if (socket.destroyed) gone.abort();
  const frames = new FrameReader((kind, content) => hear(socket, channel, kind, content));
  const onData = (chunk: Buffer): void => {
    try {
      frames.read(chunk);
    } catch {
      socket.destroy(); // none of our clients
    }
  };
  channel.stdin.once('close', () => {
    socket.resume();
    if (!signal.aborted && !channel.stdin.writableFinished) writeFrame(socket, kinds.stdinClosed);
  });
  onData(rest);
  socket.on('data', onData).resume();
  const alive = setInterval(() => void writeFrame(socket, kinds.alive), aliveMs);
  const outputs = Promise.all([
    pass(channel.stdout, socket, { data: kinds.stdout, end: kinds.stdoutEnd, signal }),
    pass(channel.stderr, socket, { data: kinds.stderr, end: kinds.stderrEnd, signal }),
  ]);
  outputs.catch(ignore); // the end says why
  const hungUp = signal.aborted ? Promise.resolve([]) : once(signal, 'abort');
  try {
    const ended = await Promise.race([
      channel.exit.then(
        (exit) => ({ exit }),
        (error: unknown) => ({ error }),
      ),
      hungUp.then(() => undefined),
    ]);
    if (ended === undefined) return;
    if ('exit' in ended) await Promise.race([outputs.catch(ignore), hungUp]);
    writeFrame(socket, kinds.ended, toJson(ended));
    socket.end();
  } finally {
    clearInterval(alive);
    channel.close();
  }
}

function hear(socket: Socket, channel: Channel, kind: number, content: Buffer): void {
  const { stdin } = channel;
  switch (kind) {
    case kinds.stdin:
      if (stdin.destroyed || stdin.write(content)) return;
      socket.pause();
      stdin.once('drain', () => socket.resume());
      return;
    case kinds.stdinEnd:
      stdin.end();
      return;
    case kinds.resize:
      channel.resize(v.parse(size, JSON.parse(content.toString('utf8'))));
      return;
    default:
      throw new Error(`a frame of kind ${kind}`);
  }
}

async function pass(
  output: Readable,
  socket: Socket,
  { data, end, signal }: { readonly data: Kind; readonly end: Kind; readonly signal: AbortSignal },
): Promise<void> {
  for await (const chunk of output as AsyncIterable<Buffer>) {
    if (signal.aborted) return;
    if (!writeFrame(socket, data, chunk)) await once(socket, 'drain', { signal });
  }
  if (!signal.aborted) writeFrame(socket, end);
}

const ignore = (): void => undefined;
