import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SidecarError } from '../../src/errors.js';
import { freePort } from '../../src/provider/local/free-port.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshServer } from '../fakes/ssh-server.js';
import { disconnectPacket, sshBanner, startTcpServer } from '../fakes/tcp-servers.js';
import { expectNetwork, expectPermanent, failureOf, type ConnectorUnderTest, type FailingLogin } from './failure.js';

/**
 * Every way in which a server was seen not to let a session begin: is it the same error, whatever connects, and may it be
 * retried? To be called within a `describe`.
 */
export function connectFailures({ connect, shortMs }: ConnectorUnderTest): void {
  let directory: string;
  let key: MadeKey;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-failures-'));
    key = await makeKey(directory, 'id_known');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const failure = (login: FailingLogin): Promise<SidecarError> => failureOf(connect({ keys: [key.path], ...login }));

  describe('nobody there', () => {
    it('connection refused: retried', async () => {
      expectNetwork(await failure({ port: await freePort() }), {
        stage: 'dial',
        errno: 'ECONNREFUSED',
        reason: 'connection refused',
      });
    });

    it('a name that does not resolve: retried', async () => {
      const error = await failure({ host: 'nowhere.invalid', port: 22 });
      expectNetwork(error, { stage: 'dial' });
      expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.facts['errno']);
    });
  });

  describe('a server that is no SSH server yet', () => {
    const quiet = `no answer within ${shortMs / 1000} s`;

    it.each<[title: string, greet: (socket: Socket) => void, facts: object]>([
      ['accepts and says nothing', () => undefined, { stage: 'handshake', reason: quiet }],
      ['sends its banner and then nothing', (socket) => socket.write(sshBanner), { reason: quiet }],
    ])('%s: retried', async (_title, greet, facts) => {
      await using server = await startTcpServer(greet);
      expectNetwork(await failure({ port: server.port, timeoutMs: shortMs }), facts);
      await server.idle();
    });

    it.each<[title: string, greet: (socket: Socket) => void, facts: object]>([
      [
        'accepts and closes, as a container proxy in front of a booting sshd',
        (socket) => socket.end(),
        { reason: 'the server hung up before it spoke SSH' },
      ],
      ['resets before its banner', (socket) => socket.resetAndDestroy(), {}],
      [
        'resets in the handshake',
        (socket) => {
          socket.write(sshBanner);
          socket.once('data', () => socket.resetAndDestroy());
        },
        { errno: 'ECONNRESET' },
      ],
      [
        'closes in the handshake',
        (socket) => {
          socket.write(sshBanner);
          socket.once('data', () => socket.end());
        },
        { stage: 'handshake', reason: 'the server closed the connection' },
      ],
      ['disconnects with 10, connection lost', disconnecting(10), { disconnect: 10 }],
      ['disconnects with 12, too many connections', disconnecting(12), { disconnect: 12 }],
      ['disconnects with 11, by application', disconnecting(11, ''), { reason: 'the server closed the connection' }],
    ])('%s: retried', async (_title, greet, facts) => {
      await using server = await startTcpServer(greet);
      expectNetwork(await failure({ port: server.port }), facts);
      await server.idle();
    });

    it('speaks HTTP, which looks like one that hangs up: retried', async () => {
      const server = createHttpServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      expectNetwork(await failure({ port }), {
        reason: expect.stringContaining('the server hung up before it spoke SSH') as string,
      });
      server.close();
    });
  });

  describe('a server of another protocol', () => {
    it.each<[title: string, greet: (socket: Socket) => void, facts: object]>([
      ['speaks SSH 1', (socket) => socket.write('SSH-1.5-old\r\n'), {}],
      ['sends an endless line', (socket) => socket.write(`SSH-2.0-${'x'.repeat(10_000)}`), {}],
      ['sends garbage after its banner', (socket) => socket.write(sshBanner + '\xff'.repeat(64)), {}],
      ['disconnects with 2, protocol error', disconnecting(2), { disconnect: 2 }],
      ['disconnects for too many keys when it has seen none', disconnecting(2, 'Too many authentication failures'), {}],
    ])('%s: not retried, and the connection is not left open', async (_title, greet, facts) => {
      await using server = await startTcpServer(greet);
      expectPermanent(await failure({ port: server.port }), { code: 'ssh.protocol', facts });
      await server.idle();
      expect(server.connections).toBe(1);
    });
  });

  describe('a server that is still booting', () => {
    it('refuses the login and says so: not retried, and its words are kept', async () => {
      const banner = 'System is booting up. Unprivileged users are not permitted to log in yet.';
      await using server = await startSshServer({ banner, onAuth: (request) => request.reject() });
      expectPermanent(await failure({ port: server.port }), { code: 'ssh.auth_refused', facts: { banner } });
    });
  });
}

function disconnecting(reason: number, description = 'go away'): (socket: Socket) => void {
  const bytes = Buffer.concat([Buffer.from(sshBanner), disconnectPacket(reason, description)]);
  return (socket) => (reason === 11 ? socket.end(bytes) : socket.write(bytes));
}
