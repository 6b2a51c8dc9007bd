import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import { classify } from '../../../src/retry/classify.js';
import { loadIdentities } from '../../../src/transport/identities.js';
import { canUseNamespaces, networkLab, type NetworkLab } from '../../fakes/namespace.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo, identitySigning, targetFor, type Login } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer, type SshServerOptions } from '../../fakes/ssh-server.js';
import { freePort } from '../../../src/provider/local/free-port.js';
import { sshdParts, startSshd, type Sshd, type SshdOptions } from '../../fakes/sshd.js';
import { disconnectPacket, sshBanner, startProxy, startTcpServer } from '../../fakes/tcp-servers.js';

/** Every way in which a connection was seen to fail, on real sockets and servers: may it be retried? */

let directory: string;
let key: MadeKey;
let otherKey: MadeKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-taxonomy-'));
  [key, otherKey] = await Promise.all([makeKey(directory, 'id_known'), makeKey(directory, 'id_other')]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** How connecting failed. */
async function failure(login: Login): Promise<SidecarError> {
  const outcome: unknown = await connectTo({ keys: [key.path], ...login }).then(
    async ({ transport }) => {
      await transport.close();
      return 'it connected';
    },
    (error: unknown) => error,
  );
  if (!(outcome instanceof SidecarError)) throw new Error(`expected a SidecarError, got ${String(outcome)}`);
  return outcome;
}

function expectNetwork(error: SidecarError, facts: object = {}): void {
  expect(error).toMatchObject({ code: 'ssh.unreachable', facts });
  expect(classify(error, { unknown: 'fail' })).toBe('retry');
}

function expectPermanent(error: SidecarError, expected: object): void {
  expect(error).toMatchObject(expected);
  expect(classify(error, { unknown: 'retry' })).toBe('fail');
}

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

describe.skipIf(!canUseNamespaces && process.env['CI'] !== 'true')(
  `in a network namespace${canUseNamespaces ? '' : ' (skipped: needs root on Linux)'}`,
  () => {
    let lab: NetworkLab;
    beforeAll(async () => {
      lab = await networkLab();
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    it('network unreachable: retried', async () => {
      expect(await lab.connect({ host: '192.0.2.1', port: 22 })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'ENETUNREACH' },
      });
    });

    it('host unreachable: retried', async () => {
      const setup = 'ip link set lo up && ip route add unreachable 192.0.2.0/24';
      expect(await lab.connect({ host: '192.0.2.1', port: 22, setup })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'EHOSTUNREACH' },
      });
    });

    it('both addresses of a name refused, an AggregateError without a message: retried', async () => {
      const hosts = '127.0.0.1 dual.test\n::1 dual.test\n';
      expect(await lab.connect({ host: 'dual.test', port: 22, setup: 'ip link set lo up', hosts })).toMatchObject({
        code: 'ssh.unreachable',
        retryable: true,
        facts: { errno: 'ECONNREFUSED', reason: 'connection refused' },
        cause: { name: 'AggregateError', message: '' },
      });
    });
  },
);

describe('a server that is no SSH server yet', () => {
  const greetings: [title: string, greet: (socket: Socket) => void, facts: object][] = [
    ['accepts and says nothing', () => undefined, { stage: 'handshake', reason: 'no answer within 0.3 s' }],
    ['sends its banner and then nothing', (socket) => socket.write(sshBanner), { reason: 'no answer within 0.3 s' }],
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
      'closes in the handshake, without any error event',
      (socket) => {
        socket.write(sshBanner);
        socket.once('data', () => socket.end());
      },
      { stage: 'handshake', reason: 'the server closed the connection' },
    ],
    ['disconnects with 10, connection lost', disconnecting(10), { disconnect: 10 }],
    ['disconnects with 12, too many connections', disconnecting(12), { disconnect: 12 }],
    [
      'disconnects with 11, which raises no error event',
      (socket) => socket.end(disconnection(11, '')),
      { reason: 'the server closed the connection' },
    ],
  ];

  it.each(greetings)('%s: retried', async (_title, greet, facts) => {
    await using server = await startTcpServer(greet);
    expectNetwork(await failure({ port: server.port, timeoutMs: 300 }), facts);
    await server.idle();
  });

  it('speaks HTTP, which looks like one that hangs up: retried', async () => {
    const server = createHttpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expectNetwork(await failure({ port }), { reason: 'the server hung up before it spoke SSH' });
    server.close();
  });
});

describe('a server of another protocol', () => {
  const greetings: [title: string, greet: (socket: Socket) => void, facts: object][] = [
    ['speaks SSH 1', (socket) => socket.write('SSH-1.5-old\r\n'), { reason: 'Invalid identification string' }],
    ['sends an endless line', (socket) => socket.write(`SSH-2.0-${'x'.repeat(10_000)}`), {}],
    ['sends garbage after its banner', (socket) => socket.write(sshBanner + '\xff'.repeat(64)), {}],
    ['disconnects with 2, protocol error', disconnecting(2), { disconnect: 2 }],
    ['disconnects for too many keys when it has seen none', disconnecting(2, 'Too many authentication failures'), {}],
  ];

  it.each(greetings)('%s: not retried, and the connection is not left open', async (_title, greet, facts) => {
    await using server = await startTcpServer(greet);
    expectPermanent(await failure({ port: server.port }), { code: 'ssh.protocol', facts });
    await server.idle();
    expect(server.connections).toBe(1);
  });
});

function disconnecting(reason: number, description = 'go away'): (socket: Socket) => void {
  return (socket) => socket.write(disconnection(reason, description));
}

function disconnection(reason: number, description: string): Buffer {
  return Buffer.concat([Buffer.from(sshBanner), disconnectPacket(reason, description)]);
}

describeWith(sshdParts, 'a real sshd', () => {
  async function withSshd(options: SshdOptions, test: (sshd: Sshd) => Promise<void>): Promise<void> {
    await using sshd = await startSshd({ authorizedKeys: [key.line], ...options });
    await test(sshd);
  }

  it('key exchange mismatch, which ECONNRESET follows: not retried', async () => {
    const config = ['KexAlgorithms sntrup761x25519-sha512@openssh.com'];
    await withSshd({ config }, async ({ port }) => {
      expectPermanent(await failure({ port }), {
        code: 'ssh.protocol',
        facts: { reason: 'Handshake failed: no matching key exchange algorithm' },
      });
    });
  });

  it('host key of no common type: not retried', async () => {
    await withSshd({}, async ({ port }) => {
      const verdict = () => ({ kind: 'pinned' as const });
      const hostKeys = { preferredAlgorithms: ['ssh-rsa' as const], verdict };
      expectPermanent(await failure({ port, hostKeys }), {
        code: 'ssh.protocol',
        facts: { reason: 'Handshake failed: no matching host key format' },
      });
    });
  });

  it('wrong host key: not retried', async () => {
    await withSshd({}, async ({ port }) => {
      expectPermanent(await failure({ port, hostKeyLine: otherKey.line }), { code: 'ssh.host_key_changed' });
    });
  });

  it('wrong user key: not retried', async () => {
    await withSshd({}, async ({ host, port, user }) => {
      expectPermanent(await failure({ port, user, keys: [otherKey.path] }), {
        code: 'ssh.auth_refused',
        facts: { host, port, user, tried: [otherKey.path], reason: 'the server refused every key' },
      });
    });
  });

  it('too many keys, all of them wrong: not retried', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `id_wrong_${index}`);
    const keys = (await Promise.all(names.map((name) => makeKey(directory, name)))).map(({ path }) => path);
    await withSshd({}, async ({ port, user }) => {
      expectPermanent(await failure({ port, user, keys }), { code: 'ssh.auth_refused', facts: { tried: keys } });
    });
  });

  it('unreadable key file: not retried', async () => {
    const path = join(directory, 'id_garbage');
    await writeFile(path, 'no key at all');
    const target = { ...targetFor({ port: 1, keys: [path] }), identitiesOnly: true };
    const error: unknown = await loadIdentities({ target }).catch((thrown: unknown) => thrown);
    expectPermanent(error as SidecarError, { code: 'ssh.key_unusable', facts: { path } });
  });

  it('wrong passphrase for the key that the server wants: not retried', async () => {
    const locked = await makeKey(directory, 'id_locked', { passphrase: 'right' });
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      const target = targetFor({ port, user, keys: [locked.path] });
      const identities = await loadIdentities({ target, askPassphrase: () => Promise.resolve('wrong') });
      expectPermanent(await failure({ port, user, identities }), {
        code: 'ssh.key_unusable',
        facts: { path: locked.path },
      });
    });
  });

  it('locked key and nobody to ask: not retried', async () => {
    const locked = await makeKey(directory, 'id_unasked', { passphrase: 'right' });
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      expectPermanent(await failure({ port, user, keys: [otherKey.path, locked.path] }), {
        code: 'ssh.passphrase_needed',
        facts: { path: locked.path, tried: [otherKey.path] },
      });
    });
  });

  it('closed during the login, without any error event: retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const identities = await identitySigning(key.path, () => {
        proxy.finish();
        return new Promise(() => undefined);
      });
      expectNetwork(await failure({ port: proxy.port, user: sshd.user, identities }), {
        stage: 'auth',
        reason: 'the server closed the connection',
      });
    });
  });

  it('reset during the login: retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const identities = await identitySigning(key.path, () => {
        proxy.reset();
        return new Promise(() => undefined);
      });
      expectNetwork(await failure({ port: proxy.port, user: sshd.user, identities }), {
        stage: 'auth',
        errno: 'ECONNRESET',
      });
    });
  });

  it('keepalive unanswered: the session is lost, and may be retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const login = { port: proxy.port, user: sshd.user, keys: [key.path], keepaliveMs: 20 };
      const { transport } = await connectTo(login);
      const channel = await transport.exec('cat');
      proxy.freeze();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', facts: { reason: 'Keepalive timeout' } });
      expect(classify(lost, { unknown: 'fail' })).toBe('retry');
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it('closed in good order during a command: the session is lost, and may be retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const { transport } = await connectTo({ port: proxy.port, user: sshd.user, keys: [key.path] });
      const channel = await transport.exec('cat');
      proxy.finish();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', retryable: true });
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it('channel refused: not retried, and the connection goes on', async () => {
    await withSshd({ config: ['MaxSessions 1', 'AllowTcpForwarding no'] }, async ({ port, user }) => {
      const { transport } = await connectTo({ port, user, keys: [key.path] });
      const channel = await transport.exec('cat');
      const refused: unknown = await transport.exec('true').catch((error: unknown) => error);
      expectPermanent(refused as SidecarError, { code: 'ssh.channel_refused', facts: { sshReason: 2 } });
      const noForward: unknown = await transport.forward({ host: '127.0.0.1', port }).catch((error: unknown) => error);
      expectPermanent(noForward as SidecarError, { code: 'ssh.channel_refused' });
      channel.stdin.end();
      expect(await channel.exit).toEqual({ kind: 'code', code: 0 });
      await transport.close();
    });
  });
});

describe('a server that is still booting', () => {
  it('refuses the login and says so: not retried, and its words are kept', async () => {
    const options: SshServerOptions = {
      banner: 'System is booting up. Unprivileged users are not permitted to log in yet.',
      onAuth: (request) => request.reject(),
    };
    await using server = await startSshServer(options);
    expectPermanent(await failure({ port: server.port }), {
      code: 'ssh.auth_refused',
      facts: { banner: 'System is booting up. Unprivileged users are not permitted to log in yet.' },
    });
  });
});
