import { Readable, Writable } from 'node:stream';

/**
 * Ordinary Node streams over the halves of an ssh2 channel. Its own ones cannot be used directly: `destroy` ends the
 * channel instead of the stream, `close` comes before the end, a write to a channel that the server closed never calls
 * back (ssh2 #1508), and a lost connection looks like a clean end of file.
 *
 * An error that these are destroyed with reaches whoever reads or writes; when nobody does, it goes unnoticed, because
 * the owner of the channel reports the loss.
 */
export function readableFrom(raw: Readable): Readable {
  const stream = new Readable({
    highWaterMark: bufferBytes,
    read: () => void raw.resume(),
    destroy: (error, done) => {
      // What nobody wants any more is taken and dropped, so that the channel can come to its end.
      raw.resume();
      done(error);
    },
  });
  raw.on('data', (chunk: Buffer) => {
    if (!stream.destroyed && !stream.push(chunk)) raw.pause();
  });
  raw.on('end', () => {
    if (!stream.destroyed) stream.push(null);
  });
  return stream.on('error', ignore);
}

/** See readableFrom. `endOfFile` tells the far side that no more will come, once all before it has been sent. */
export function writableInto(raw: Writable, endOfFile: () => void): Writable {
  let unanswered: ((error?: Error | null) => void) | undefined;
  const answer = (error?: Error | null): void => {
    const callback = unanswered;
    unanswered = undefined;
    callback?.(error);
  };
  const stream = new Writable({
    highWaterMark: bufferBytes,
    write: (chunk: Buffer, _encoding, done) => {
      unanswered = done;
      raw.write(chunk, answer);
    },
    final: (done) => {
      endOfFile();
      done();
    },
    destroy: (error, done) => {
      answer(error ?? brokenPipe());
      done(error);
    },
  });
  return stream.on('error', ignore);
}

/** What a writer gets whose reader has gone, as from a pipe between two local processes. */
export function brokenPipe(): NodeJS.ErrnoException {
  return Object.assign(new Error('the far side reads no more'), { code: 'EPIPE' });
}

const bufferBytes = 256 * 1024;

const ignore = (): void => undefined;
