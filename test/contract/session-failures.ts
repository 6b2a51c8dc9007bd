import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SidecarError } from '../../src/errors.js';
import { classify } from '../../src/retry/classify.js';
import type { AskPassphrase } from '../../src/transport/passphrase.js';
import type { Transport } from '../../src/transport/transport.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, type Sshd, type SshdOptions } from '../fakes/sshd.js';
import { startProxy } from '../fakes/tcp-servers.js';
import { expectNetwork, expectPermanent, failureOf, type ConnectorUnderTest, type FailingLogin } from './failure.js';

/**
 * How a real sshd refuses who logs in, and how a session with it ends: is it the same error, whatever connects, and may it
 * be retried? To be called within a `describe`.
 */
export function sessionFailures({ connect, silence }: ConnectorUnderTest): void {
  let directory: string;
  let key: MadeKey;
  let otherKey: MadeKey;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-failures-'));
    [key, otherKey] = await Promise.all([makeKey(directory, 'id_known'), makeKey(directory, 'id_other')]);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const connectWith = (login: FailingLogin): Promise<Transport> => connect({ keys: [key.path], ...login });
  const failure = (login: FailingLogin): Promise<SidecarError> => failureOf(connectWith(login));

  async function withSshd(options: SshdOptions, test: (sshd: Sshd) => Promise<void>): Promise<void> {
    await using sshd = await startSshd({ authorizedKeys: [key.line], ...options });
    await test(sshd);
  }

  it('wrong host key: not retried, and both fingerprints told', async () => {
    await withSshd({}, async ({ port, hostKey }) => {
      const fingerprint = expect.stringMatching(/^SHA256:/) as string;
      expectPermanent(await failure({ port, hostKeyLine: otherKey.line }), {
        code: 'ssh.host_key_changed',
        facts: { host: 'dev-1', keyType: hostKey.type, actual: fingerprint, expected: [fingerprint], source: 'pin' },
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

  it('host key in RevokedHostKeys, pinned or not: not retried', async () => {
    await withSshd({}, async ({ port, hostKeyLine }) => {
      const revokedHostKeysFile = join(directory, 'revoked_keys');
      await writeFile(revokedHostKeysFile, `# lost\n${otherKey.line}\n${hostKeyLine}\n`);
      const expected = { code: 'ssh.host_key_revoked', facts: { source: `${revokedHostKeysFile}:3` } };
      expectPermanent(await failure({ port, revokedHostKeysFile }), expected);
      expectPermanent(await failure({ port, revokedHostKeysFile, hostKeyLine }), expected);
    });
  });

  it('host key that nobody knows, where each is to be known: not retried, and no login', async () => {
    await withSshd({}, async (sshd) => {
      const { port, user, hostKeyLine } = sshd;
      const firstUseRefusedBy = 'StrictHostKeyChecking yes';
      expectPermanent(await failure({ port, user, firstUseRefusedBy }), {
        code: 'ssh.host_key_unknown',
        facts: {
          ...{ host: 'dev-1', rule: firstUseRefusedBy },
          actual: expect.stringMatching(/^SHA256:/) as string,
        },
      });
      expect(sshd.log()).not.toContain('Accepted');
      await (await connectWith({ port, user, firstUseRefusedBy, hostKeyLine })).close();
      const file = join(directory, 'known_hosts_strict');
      const login = { port, user, firstUseRefusedBy, knownHostsFiles: [file] };
      for (const name of [`[127.0.0.1]:${port}`, '127.0.0.1']) {
        await writeFile(file, `${name} ${hostKeyLine}\n`);
        await (await connectWith(login)).close();
      }
      await writeFile(file, `127.0.0.1 ${otherKey.line}\n`);
      expectPermanent(await failure(login), { code: 'ssh.host_key_unknown' });
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
    const askPassphrase: AskPassphrase = (path, retry) => {
      asked.push([path, retry]);
      return Promise.resolve('wrong');
    };
    await withSshd({ authorizedKeys: [locked.line] }, async ({ port, user }) => {
      expectPermanent(await failure({ port, user, keys: [locked.path], askPassphrase }), {
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
      expectPermanent(await failure({ ...login, askPassphrase: () => Promise.resolve(undefined) }), expected);
    });
  });

  it.each([
    ['closed', 'finish', { reason: 'the server closed the connection' }],
    ['reset', 'reset', { errno: 'ECONNRESET' }],
  ] as const)('%s during the login: retried', async (_title, how, facts) => {
    const locked = await makeKey(directory, `id_slow_${how}`, { passphrase: 'right' });
    await withSshd({ authorizedKeys: [locked.line] }, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const askPassphrase: AskPassphrase = () => {
        proxy[how]();
        return Promise.resolve('right');
      };
      const login = { port: proxy.port, user: sshd.user, keys: [locked.path], askPassphrase };
      expectNetwork(await failure(login), { stage: 'auth', ...facts });
    });
  });

  it('keepalive unanswered: the session is lost, and may be retried', async () => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const transport = await connectWith({ port: proxy.port, user: sshd.user, keepaliveMs: 1_000 });
      const channel = await transport.exec('cat');
      proxy.freeze();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', facts: { reason: silence } });
      expect(classify(lost, { unknown: 'fail' })).toBe('retry');
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it.each([
    ['closed in good order', 'finish', { reason: 'the server closed the connection' }],
    // Whether the client was reading or writing decides by which error it notices.
    ['reset', 'reset', { errno: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string }],
  ] as const)('%s during a command: the session is lost, and may be retried', async (_title, how, facts) => {
    await withSshd({}, async (sshd) => {
      await using proxy = await startProxy(sshd.port);
      const transport = await connectWith({ port: proxy.port, user: sshd.user });
      const channel = await transport.exec('cat');
      proxy[how]();
      const lost = await transport.closed;
      expect(lost).toMatchObject({ code: 'ssh.connection_lost', retryable: true, facts });
      await expect(channel.exit).rejects.toBe(lost);
    });
  });

  it('channel refused: not retried, and the connection goes on', async () => {
    await withSshd({ config: ['MaxSessions 1', 'AllowTcpForwarding no'] }, async ({ port, user }) => {
      const transport = await connectWith({ port, user });
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
      const transport = await connectWith({ port, user });
      const marker = join(directory, 'started');
      const terminal = { term: 'xterm', columns: 80, rows: 24 };
      const refused: unknown = await transport.exec(`echo > ${marker}`, { terminal }).catch((error: unknown) => error);
      expectPermanent(refused as SidecarError, { code: 'ssh.channel_refused' });
      const look = await transport.exec(`! test -e ${marker}`);
      expect(await look.exit).toEqual({ kind: 'code', code: 0 });
      await transport.close();
    });
  });
}
