import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Passes bytes on between two streams, both ways, no faster than they are taken. Each half ends by itself; one stream that
 * breaks takes the other with it, and what was read of one that has ended still arrives.
 */
export function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => undefined); // 'close' follows
    from.once('close', () => hasGone(from, to));
    from.pipe(to);
  }
}

function hasGone(gone: Duplex, left: Duplex): void {
  if (gone.errored !== null || !gone.readableEnded) {
    breakOff(left);
    return;
  }
  // It takes no more, and its last bytes may still be on their way.
  left.resume();
  if (left.writableFinished) left.destroy();
  else left.once('finish', () => left.destroy());
}

/** Whoever is on the other end must not take it for an end in good order. */
export function breakOff(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket && !stream.connecting) stream.resetAndDestroy();
  else stream.destroy();
}
