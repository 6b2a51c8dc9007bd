import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpServer, type TcpServer } from '../fakes/tcp-servers.js';
import { startDelayProxy } from './delay-proxy.js';

let server: TcpServer;
let greet: (socket: Socket) => void;
beforeEach(async () => {
  greet = () => undefined;
  server = await startTcpServer((socket) => greet(socket));
});
afterEach(() => server.stop());

describe.each([0, 20])('a network of %i ms', (rttMs) => {
  it('carries every byte, in order, to the end of the connection', async () => {
    const bytes = randomBytes(3_000_000);
    greet = (socket) => socket.end(bytes);
    await using proxy = await startDelayProxy({ port: server.port, rttMs });
    expect((await buffer(connect(proxy))).equals(bytes)).toBe(true);
    expect(proxy.traffic).toMatchObject({ upBytes: 0, downBytes: bytes.length });
  });

  it('lets the other side have what was said before this side left', async () => {
    const heard = new Promise<Buffer>((resolve) => {
      greet = (socket) => void buffer(socket).then(resolve);
    });
    await using proxy = await startDelayProxy({ port: server.port, rttMs });
    connect(proxy).end('goodbye');
    expect((await heard).toString()).toBe('goodbye');
    expect(proxy.traffic).toMatchObject({ upBytes: 7, downBytes: 0 });
  });

  it('counts a round trip for the connection and one for each question', async () => {
    greet = (socket) => socket.on('data', (question) => socket.write(question));
    await using proxy = await startDelayProxy({ port: server.port, rttMs });
    const socket = connect(proxy);
    for (const question of ['one', 'two']) {
      socket.write(question);
      await once(socket, 'data');
    }
    expect(proxy.traffic).toEqual({ roundTrips: 3, upBytes: 6, downBytes: 6 });
    socket.destroy();
  });

  it('ends a connection here that the other side ends', async () => {
    greet = (socket) => socket.resetAndDestroy();
    await using proxy = await startDelayProxy({ port: server.port, rttMs });
    await once(connect(proxy).resume(), 'close');
  });
});
