import { Socket } from 'node:net';
import { systemClock, type Clock } from '../../src/clock.js';
import { startTcpServer, type TcpServer } from '../fakes/tcp-servers.js';
import { DelayLine } from './delay-line.js';
import { TrafficCount, type Traffic } from './traffic.js';

export interface DelayProxy extends TcpServer {
  /** What went through it since it was started. */
  readonly traffic: Traffic;
}

export interface DelayProxyOptions {
  /** Of loopback: whom it passes everything on to. */
  readonly port: number;
  readonly rttMs: number;
  readonly clock?: Clock;
}

/**
 * A network of unlimited bandwidth between this side and a port of this machine. Each byte arrives half a round trip
 * after it was sent; a connection costs a round trip before its first byte, as TCP's handshake does. What it does not
 * imitate: TCP's slow start and window, loss, and the size of the headers.
 */
export async function startDelayProxy({ port, rttMs, clock = systemClock }: DelayProxyOptions): Promise<DelayProxy> {
  const count = new TrafficCount();
  const proxy = await startTcpServer((near) => carry(near, { port, halfMs: rttMs / 2, count, clock }));
  // Not with Object.assign: it would copy the number of connections as it is now.
  return Object.defineProperty(proxy, 'traffic', { get: () => count.soFar }) as DelayProxy;
}

interface Way {
  readonly port: number;
  readonly halfMs: number;
  readonly count: TrafficCount;
  readonly clock: Clock;
}

/** One connection, from its first byte to its last. */
function carry(near: Socket, { port, halfMs, count, clock }: Way): void {
  const up = new DelayLine(clock);
  const down = new DelayLine(clock);
  const far = new Socket();
  near.setNoDelay(true);
  far.setNoDelay(true);

  // There, back, and there again with the first bytes of this side: they wait in line behind this.
  const opened = count.opened();
  up.in(3 * halfMs, () => {
    count.reachedThere(opened);
    far.connect({ host: '127.0.0.1', port });
  });
  near.on('data', (chunk: Buffer) => {
    const depth = count.sent(chunk.length);
    up.in(halfMs, () => {
      count.reachedThere(depth);
      pour(chunk, near, far);
    });
  });
  far.on('data', (chunk: Buffer) => {
    const depth = count.answered(chunk.length);
    down.in(halfMs, () => {
      count.reachedHere(depth);
      pour(chunk, far, near);
    });
  });
  near.on('close', () => up.in(halfMs, () => far.destroySoon()));
  far.on('error', () => undefined).on('close', () => down.in(halfMs, () => near.destroySoon()));
}

/** Reads on only once the receiver has room, as TCP does. */
function pour(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.destroyed || to.write(chunk) || from.isPaused()) return;
  from.pause();
  to.once('drain', () => from.resume());
}
