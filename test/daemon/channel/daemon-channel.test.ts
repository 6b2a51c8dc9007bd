import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DaemonChannel } from '../../../src/daemon/channel/daemon-channel.js';
import { kinds, writeFrame } from '../../../src/daemon/channel/frames.js';

let server: Server;
let daemon: Socket;
let socket: Socket;
let channel: DaemonChannel;

beforeEach(async () => {
  // Only the clock of the client: sockets need the rest.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [daemon] = (await connected) as [Socket];
  daemon.on('error', () => undefined);
  channel = new DaemonChannel(socket, Buffer.alloc(0));
});
afterEach(() => {
  vi.useRealTimers();
  channel.close();
  daemon.destroy();
  server.close();
});

describe('a channel through a daemon', () => {
  it('is lost once the daemon has shown no sign of life for a while', async () => {
    writeFrame(daemon, kinds.stdout, 'said');
    await once(channel.stdout, 'data');
    vi.advanceTimersByTime(5_000);
    vi.advanceTimersByTime(5_000);
    await expect(channel.exit).rejects.toMatchObject({
      code: 'ssh.connection_lost',
      facts: { reason: 'the daemon does not answer' },
    });
  });

  it('waits for as long as it likes while nobody here reads', async () => {
    writeFrame(daemon, kinds.stdout, Buffer.alloc(1_000_000));
    while (!socket.isPaused()) await new Promise((resolve) => setImmediate(resolve));
    writeFrame(daemon, kinds.stdoutEnd);
    writeFrame(daemon, kinds.ended, JSON.stringify({ exit: { kind: 'code', code: 3 } }));
    vi.advanceTimersByTime(600_000);
    channel.stdout.resume();
    expect(await channel.exit).toEqual({ kind: 'code', code: 3 });
  });

  it('is lost with the daemon', async () => {
    daemon.destroy();
    await expect(channel.exit).rejects.toMatchObject({ facts: { reason: 'the daemon ended' } });
  });

  it('tells whoever writes that nobody reads any more', async () => {
    writeFrame(daemon, kinds.stdinClosed);
    const [error] = (await once(channel.stdin, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EPIPE');
  });
});
