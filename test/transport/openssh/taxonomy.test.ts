import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import { freePort } from '../../../src/provider/local/free-port.js';
import { classify } from '../../../src/retry/classify.js';
import { Passphrases } from '../../../src/transport/openssh/passphrases.js';
import { connectOpensshTo, type OpensshLogin } from '../../fakes/openssh-client.js';
import { describeWith } from '../../fakes/parts.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd, type Sshd, type SshdOptions } from '../../fakes/sshd.js';
import { disconnectPacket, sshBanner, startProxy, startTcpServer } from '../../fakes/tcp-servers.js';

/** The same failures as ssh2's, on real sockets and servers, by the ssh of this machine: each is the same error. */

let directory: string;
let key: MadeKey;
let otherKey: MadeKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-taxonomy-'));
  [key, otherKey] = await Promise.all([makeKey(directory, 'id_known'), makeKey(directory, 'id_other')]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** How connecting failed. */
async function failure(login: OpensshLogin): Promise<SidecarError> {
  const outcome: unknown = await connectOpensshTo({ keys: [key.path], ...login }).then(
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

describeWith(['ssh'], 'nobody there', () => {
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

  it('no ssh program: not retried', async () => {
    expectPermanent(await failure({ port: 1, env: { PATH: directory } }), { code: 'ssh.config_invalid' });
  });

  it('an option that ssh does not know: not retried', async () => {
    expectPermanent(await failure({ port: 1, options: ['Nonsense=yes'] }), { code: 'ssh.config_invalid' });
  });

  it('a proxy command that fails: retried, with its words', async () => {
    expectNetwork(await failure({ port: 1, options: ['ProxyCommand=sh -c "echo no way there >&2; exit 1"'] }), {
      reason: 'the server hung up before it spoke SSH (no way there)',
    });
  });
});

describeWith(['ssh'], 'a server that is no SSH server yet', () => {
  const greetings: [title: string, greet: (socket: Socket) => void, facts: object][] = [
    ['accepts and says nothing', () => undefined, { stage: 'handshake', reason: 'no answer within 1 s' }],
    ['sends its banner and then nothing', (socket) => socket.write(sshBanner), { reason: 'no answer within 1 s' }],
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
  ];

  it.each(greetings)('%s: retried', async (_title, greet, facts) => {
    await using server = await startTcpServer(greet);
    expectNetwork(await failure({ port: server.port, timeoutMs: 1_000 }), facts);
    await server.idle();
  });

  it('speaks HTTP, which looks like one that hangs up: retried', async () => {
    const server = createHttpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await failure({ port });
    expectNetwork(error);
    expect(error.facts['reason']).toContain('the server hung up before it spoke SSH');
    server.close();
  });
});

describeWith(['ssh'], 'a server of another protocol', () => {
  const greetings: [title: string, greet: (socket: Socket) => void, facts: object][] = [
    ['speaks SSH 1', (socket) => socket.write('SSH-1.5-old\r\n'), {}],
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
  const bytes = Buffer.concat([Buffer.from(sshBanner), disconnectPacket(reason, description)]);
  return (socket) => (reason === 11 ? socket.end(bytes) : socket.write(bytes));
}

describeWith([...sshdParts, 'ssh'], 'a real sshd', () => {
  async function withSshd(options: SshdOptions, test: (sshd: Sshd) => Promise<void>): Promise<void> {
    await using sshd = await startSshd({ authorizedKeys: [key.line], ...options });
    await test(sshd);
  }

  it('key exchange mismatch: not retried', async () => {
    await withSshd({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] }, async ({ port }) => {
      expectPermanent(await failure({ port, options: ['KexAlgorithms=curve25519-sha256'] }), {
        code: 'ssh.protocol',
        facts: { reason: 'no matching key exchange method', stage: 'handshake' },
      });
    });
  });

  it('host key of no common type: not retried', async () => {
    await withSshd({}, async ({ port }) => {
      expectPermanent(await failure({ port, options: ['HostKeyAlgorithms=ecdsa-sha2-nistp256'] }), {
        code: 'ssh.protocol',
        facts: { reason: 'no matching host key type' },
      });
    });
  });

  it('wrong host key: not retried, and both fingerprints told', async () => {
    await withSshd({}, async ({ port, hostKey }) => {
      expectPermanent(await failure({ port, hostKeyLine: otherKey.line }), {
        code: 'ssh.host_key_changed',
        facts: {
          host: 'dev-1',
          keyType: hostKey.type,
          actual: expect.stringMatching(/^SHA256:/) as string,
          expected: [expect.stringMatching(/^SHA256:/) as string],
          source: 'pin',
        },
      });
    });
  });

  it('host key that known_hosts has otherwise: not retried, and the line is named', async () => {
    await withSshd({}, async ({ port }) => {
      const file = join(directory, 'known_hosts_changed');
      await writeFile(file, `# about\n[127.0.0.1]:${port} ${otherKey.line}\n`);
      expectPermanent(await failure({ port, knownHostsFiles: [file] }), {
        code: 'ssh.host_key_changed',
        facts: { source: `${file}:2`, line: 2 },
      });
    });
  });

  it('revoked host key: not retried', async () => {
    await withSshd({}, async ({ port, hostKeyLine }) => {
      const file = join(directory, 'known_hosts_revoked');
      await writeFile(file, `@revoked * ${hostKeyLine}\n`);
      const expected = { code: 'ssh.host_key_revoked', facts: { source: `${file}:1` } };
      expectPermanent(await failure({ port, hostKeyLine, knownHostsFiles: [file] }), expected);
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
      expectPermanent(await failure({ port, user, keys }), { code: 'ssh.auth_refused' });
    });
  });

  it('unreadable key file: not retried', async () => {
    const path = join(directory, 'id_garbage');
    await writeFile(path, 'no key at all', { mode: 0o600 });
    await withSshd({}, async ({ port, user }) => {
      expectPermanent(await failure({ port, user, keys: [path] }), { code: 'ssh.key_unusable', facts: { path } });
    });
  });

  it('wrong passphrase for the key that the server wants: not retried', async () => {
    const locked = await makeKey(directory, 'id_locked', { passphrase: 'right' });
    const asked: [string, boolean][] = [];
    const passphrases = new Passphrases((path, retry) => {
      asked.push([path, retry]);
      return Promise.resolve('wrong');
    });
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      expectPermanent(await failure({ port, user, keys: [locked.path], passphrases }), {
        code: 'ssh.key_unusable',
        facts: { path: locked.path },
      });
    });
    expect(asked).toEqual([false, true, true].map((retry) => [locked.path, retry]));
  });

  it('locked key and nobody to ask, or who says nothing: not retried', async () => {
    const locked = await makeKey(directory, 'id_unasked', { passphrase: 'right' });
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      const login = { port, user, keys: [otherKey.path, locked.path] };
      const expected = { code: 'ssh.passphrase_needed', facts: { path: locked.path } };
      expectPermanent(await failure(login), expected);
      expectPermanent(
        await failure({ ...login, passphrases: new Passphrases(() => Promise.resolve(undefined)) }),
        expected,
      );
    });
  });

  it('closed or reset during the login: retried', async () => {
    const locked = await makeKey(directory, 'id_slow', { passphrase: 'right' });
    await withSshd({ authorizedKeys: [locked.line] }, async (sshd) => {
      for (const [how, facts] of [
        ['finish', { reason: 'the server closed the connection' }],
        ['reset', { errno: 'ECONNRESET' }],
      ] as const) {
        await using proxy = await startProxy(sshd.port);
        const passphrases = new Passphrases(() => {
          proxy[how]();
          return Promise.resolve('right');
        });
        const login = { port: proxy.port, user: sshd.user, keys: [locked.path], passphrases };
        expectNetwork(await failure(login), { stage: 'auth', ...facts });
      }
    });
  });

  it('keepalive unanswered: the session is lost, and may be retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const login = { port: proxy.port, user: sshd.user, keys: [key.path], keepaliveMs: 20 };
      const { transport } = await connectOpensshTo(login);
      const channel = await transport.exec('cat');
      proxy.freeze();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', facts: { reason: 'no answer' } });
      expect(classify(lost, { unknown: 'fail' })).toBe('retry');
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it.each([
    ['closed in good order', 'finish', { reason: 'the server closed the connection' }],
    // Whether ssh was reading or writing decides by which error it notices.
    ['reset', 'reset', { errno: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string }],
  ] as const)('%s during a command: the session is lost, and may be retried', async (_title, how, facts) => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const { transport } = await connectOpensshTo({ port: proxy.port, user: sshd.user, keys: [key.path] });
      const channel = await transport.exec('cat');
      proxy[how]();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', retryable: true, facts });
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it('channel refused: not retried, and the connection goes on', async () => {
    await withSshd({ config: ['MaxSessions 1', 'AllowTcpForwarding no'] }, async ({ port, user }) => {
      const { transport } = await connectOpensshTo({ port, user, keys: [key.path] });
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

  it('terminal refused: not retried, and the command does not start without one', async () => {
    await withSshd({ config: ['PermitTTY no'] }, async ({ port, user }) => {
      const { transport } = await connectOpensshTo({ port, user, keys: [key.path] });
      const marker = join(directory, 'started');
      const terminal = { term: 'xterm', columns: 80, rows: 24 };
      const refused: unknown = await transport.exec(`echo > ${marker}`, { terminal }).catch((error: unknown) => error);
      expectPermanent(refused as SidecarError, { code: 'ssh.channel_refused' });
      await (
        await transport.exec(`! test -e ${marker}`)
      ).exit.then((exit) => expect(exit).toEqual({ kind: 'code', code: 0 }));
      await transport.close();
    });
  });
});

describe('a server that is still booting', () => {
  it('refuses the login and says so: not retried, and its words are kept', async () => {
    const banner = 'System is booting up. Unprivileged users are not permitted to log in yet.';
    await using server = await startSshServer({ banner, onAuth: (request) => request.reject() });
    expectPermanent(await failure({ port: server.port }), { code: 'ssh.auth_refused', facts: { banner } });
  });
});
