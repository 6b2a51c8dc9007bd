import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadIdentities, type Identities } from '../../../src/transport/identities.js';
import { connectSsh2 } from '../../../src/transport/ssh2/connect.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo, identitySigning, targetFor } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd } from '../../fakes/sshd.js';
import { startProxy, startTcpServer } from '../../fakes/tcp-servers.js';

let directory: string;
let key: MadeKey;
/** More keys than anybody should have, none of which may log in anywhere. */
let wrong: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-connect-'));
  key = await makeKey(directory, 'id_right');
  const names = Array.from({ length: 21 }, (_, index) => `id_wrong_${index}`);
  wrong = (await Promise.all(names.map((name) => makeKey(directory, name)))).map(({ path }) => path);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const none: Identities = { attempts: [], lockedFiles: [], unsupported: [] };

describeWith(sshdParts, 'keys offered to a real sshd', () => {
  it('the first that it accepts opens the session', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line] });
    const keys = [...wrong.slice(0, 2), key.path];
    const { transport } = await connectTo({ port: sshd.port, user: sshd.user, keys });
    const channel = await transport.exec('exit 9');
    expect(await channel.exit).toEqual({ kind: 'code', code: 9 });
    await transport.close();
  });

  it('never five and more on one connection: the eighth key opens the session on the second', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line] });
    await using proxy = await startProxy(sshd.port);
    const keys = [...wrong.slice(0, 7), key.path];
    const { transport } = await connectTo({ port: proxy.port, user: sshd.user, keys });
    expect(proxy.connections).toBe(2);
    await transport.close();
  });

  it('goes on over a fresh connection where the server hung up for too many', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line], maxAuthTries: 2 });
    await using proxy = await startProxy(sshd.port);
    const keys = [...wrong.slice(0, 4), key.path];
    const { transport } = await connectTo({ port: proxy.port, user: sshd.user, keys });
    await sshd.logged('Too many authentication failures');
    expect(proxy.connections).toBe(3);
    await transport.close();
  });

  it('are twenty at most', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line] });
    const keys = [...wrong, key.path];
    await expect(connectTo({ port: sshd.port, user: sshd.user, keys })).rejects.toMatchObject({
      code: 'ssh.auth_refused',
      facts: { tried: keys.slice(0, 20), untried: 2 },
    });
  });

  it('one that cannot sign is passed over', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line] });
    const mute = await identitySigning(key.path, () => Promise.reject(new Error('agent refused operation')));
    const able = await loadIdentities({ target: targetFor({ port: sshd.port, keys: [key.path] }) });
    const identities = { ...none, attempts: [...mute.attempts, ...able.attempts] };
    const { transport } = await connectTo({ port: sshd.port, user: sshd.user, identities });
    await transport.close();
  });

  it('one that could not sign is the cause when no other is left', async () => {
    await using sshd = await startSshd({ authorizedKeys: [key.line] });
    const cause = new Error('agent refused operation');
    const identities = await identitySigning(key.path, () => Promise.reject(cause));
    await expect(connectTo({ port: sshd.port, user: sshd.user, identities })).rejects.toMatchObject({
      code: 'ssh.auth_refused',
      retryable: false,
      cause,
    });
  });
});

describe('no key to offer', () => {
  it('is refused without even connecting', async () => {
    await using server = await startTcpServer(() => undefined);
    await expect(connectTo({ port: server.port, identities: none })).rejects.toMatchObject({
      code: 'ssh.auth_refused',
      retryable: false,
      facts: { host: '127.0.0.1', port: server.port, user: 'dev', tried: [], reason: 'there is no key to offer' },
    });
    expect(server.connections).toBe(0);
  });

  it('but a locked one, asks for its passphrase', async () => {
    const identities = { ...none, lockedFiles: ['/home/dev/.ssh/id_ed25519'] };
    await expect(connectTo({ port: 1, identities })).rejects.toMatchObject({
      code: 'ssh.passphrase_needed',
      retryable: false,
      facts: { path: '/home/dev/.ssh/id_ed25519', tried: [] },
    });
  });
});

describe('a host key seen for the first time', () => {
  it('is handed over, to be pinned', async () => {
    await using server = await startSshServer();
    const { transport, hostKey } = await connectTo({ port: server.port, keys: [key.path] });
    expect(hostKey).toMatchObject({
      kind: 'learn',
      source: 'first-use',
      line: expect.stringMatching(/^ssh-ed25519 AAAA/) as string,
      fingerprint: expect.stringMatching(/^SHA256:/) as string,
    });
    await transport.close();
  });
});

describe('the time limit', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stands still while the user is asked for a passphrase', async () => {
    const locked = await makeKey(directory, 'id_locked', { passphrase: 'secret' });
    await using server = await startSshServer();
    // Only the clock of the attempt: sockets need the rest.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const askPassphrase = (): Promise<string> => {
      vi.advanceTimersByTime(600_000);
      return Promise.resolve('secret');
    };
    const target = targetFor({ port: server.port, keys: [locked.path] });
    const identities = await loadIdentities({ target, askPassphrase });
    const { transport } = await connectTo({ port: server.port, identities, timeoutMs: 10_000 });
    expect(vi.getTimerCount()).toBe(0);
    await transport.close();
  });
});

describe('a connection lost while the user is asked', () => {
  it('fails the attempt, and the answer that comes later is ignored', async () => {
    await using server = await startSshServer();
    await using proxy = await startProxy(server.port);
    const answer = new EventEmitter();
    const identities = await identitySigning(key.path, async () => {
      proxy.reset();
      await once(answer, 'given');
      return Buffer.from('signature');
    });
    await expect(connectTo({ port: proxy.port, identities })).rejects.toMatchObject({
      code: 'ssh.unreachable',
      retryable: true,
    });
    // Once ssh2 has let go of the connection, an answer that is not ignored throws where nothing can catch it.
    await nextTurn();
    const timers = countTimers();
    answer.emit('given');
    await nextTurn();
    // One of somebody else may have run out meanwhile.
    expect(countTimers()).toBeLessThanOrEqual(timers);
  });
});

describe('aborting', () => {
  const reason = new Error('Ctrl-C');

  it('before the start connects to nothing', async () => {
    await using server = await startTcpServer(() => undefined);
    const signal = AbortSignal.abort(reason);
    await expect(connectTo({ port: server.port, keys: [key.path], signal })).rejects.toBe(reason);
    expect(server.connections).toBe(0);
  });

  it('during the handshake ends at once, with no connection and no timer left', async () => {
    const controller = new AbortController();
    await using server = await startTcpServer(() => controller.abort(reason));
    const target = targetFor({ port: server.port, keys: [key.path] });
    const identities = await loadIdentities({ target });
    const hostKeys = { preferredAlgorithms: undefined, verdict: () => ({ kind: 'pinned' as const }) };
    const timers = countTimers();
    const { signal } = controller;
    await expect(connectSsh2({ target, identities, hostKeys, env: {}, timeoutMs: 60_000, signal })).rejects.toBe(
      reason,
    );
    expect(countTimers()).toBeLessThanOrEqual(timers);
    await server.idle();
  });

  it('while the user is being asked ends at once', async () => {
    const controller = new AbortController();
    await using server = await startSshServer();
    const identities = await identitySigning(key.path, () => {
      controller.abort(reason);
      return new Promise(() => undefined);
    });
    await expect(connectTo({ port: server.port, identities, signal: controller.signal })).rejects.toBe(reason);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
