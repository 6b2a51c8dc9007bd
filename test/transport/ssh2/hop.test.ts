import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from '../../../src/provider/local/free-port.js';
import { describeWith } from '../../fakes/parts.js';
import { startAgent, type RunningAgent } from '../../fakes/ssh-agent.js';
import { connectTo, identitySigning, type Login } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { startSshd, sshdParts, type Sshd } from '../../fakes/sshd.js';
import { startProxy, startTcpServer } from '../../fakes/tcp-servers.js';

let directory: string;
let key: MadeKey;
let target: Sshd;
let hop: Sshd;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-hop-'));
  key = await makeKey(directory, 'id');
  [target, hop] = await Promise.all([
    startSshd({ authorizedKeys: [key.line], maxAuthTries: 6 }),
    startSshd({ authorizedKeys: [key.line], maxAuthTries: 6 }),
  ]);
});
afterAll(async () => {
  await Promise.all([target.stop(), hop.stop()]);
  await rm(directory, { recursive: true, force: true });
});
afterEach(() => {
  vi.useRealTimers();
});

const login = ({ port, user, hostKeyLine }: Sshd, more: Partial<Login> = {}): Login => ({
  ...{ port, user, hostKeyLine, keys: [key.path] },
  ...more,
});

describeWith(sshdParts, 'a host on the way', () => {
  it('is left when the session ends', async () => {
    await using proxy = await startProxy(hop.port);
    const { transport } = await connectTo(login(target, { over: [login(hop, { port: proxy.port })] }));
    const channel = await transport.exec('echo "$SSH_CONNECTION"');
    expect(await text(channel.stdout)).toContain(String(target.port));
    await transport.close();
    await proxy.idle();
  });

  it('is left where the login behind it fails', async () => {
    await using proxy = await startProxy(hop.port);
    const over = [login(hop, { port: proxy.port })];
    const stranger = await makeKey(directory, 'stranger');
    await expect(connectTo(login(target, { keys: [stranger.path], over }))).rejects.toMatchObject({
      code: 'ssh.auth_refused',
      facts: { port: target.port, tried: [stranger.path] },
    });
    await proxy.idle();
  });

  it('is left when the attempt is aborted while it asks the next one', async () => {
    await using proxy = await startProxy(hop.port);
    const controller = new AbortController();
    const reason = new Error('stop');
    await using silent = await startTcpServer(() => controller.abort(reason));
    const over = [login(hop, { port: proxy.port })];
    const { signal } = controller;
    await expect(connectTo({ port: silent.port, keys: [key.path], over, signal })).rejects.toBe(reason);
    await proxy.idle();
  });

  it('is left when the time of the whole attempt is up', async () => {
    await using proxy = await startProxy(hop.port);
    // Only the clock of the attempt: sockets need the rest.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await using silent = await startTcpServer(() => void vi.advanceTimersByTime(2_000));
    const over = [login(hop, { port: proxy.port })];
    await expect(connectTo({ port: silent.port, keys: [key.path], over, timeoutMs: 2_000 })).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { port: silent.port, reason: 'no answer within 2 s' },
    });
    await proxy.idle();
  });

  it('whose passphrase takes its time leaves the attempt its own', async () => {
    const text = await readFile(key.path);
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const slow = await identitySigning(key.path, (data, hash) => {
      vi.advanceTimersByTime(600_000);
      return Promise.resolve(parsed.sign(data, hash));
    });
    const over = [login(hop)];
    const { transport } = await connectTo(login(target, { over, identities: slow, timeoutMs: 10_000 }));
    await transport.close();
  });

  it('whose connection is lost takes the session with it, in a way that passes, and is named', async () => {
    await using proxy = await startProxy(hop.port);
    const { transport } = await connectTo(login(target, { over: [login(hop, { port: proxy.port })] }));
    proxy.reset();
    expect(await transport.closed).toMatchObject({
      ...{ code: 'ssh.connection_lost', retryable: true },
      facts: { port: target.port, hop: 'dev-1', reason: 'dev-1, on the way there: connection reset' },
    });
  });

  it.each([
    ['before its banner', 0, 'the server hung up before it spoke SSH'],
    ['within its banner', 10, 'the server hung up before it spoke SSH'],
    ['after its banner', 100, 'the server closed the connection'],
    ['after its part of the key exchange', 1_300, 'the server closed the connection'],
  ])('whose next one closes %s says so at once, and is to be tried again', async (_when, receivedBytes, reason) => {
    await using proxy = await startProxy(target.port);
    proxy.next('finish', { receivedBytes });
    await expect(connectTo(login(target, { port: proxy.port, over: [login(hop)] }))).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { port: proxy.port, stage: 'handshake', reason },
    });
  });

  it('whose next one closes during the login says so at once, and is to be tried again', async () => {
    await using proxy = await startProxy(target.port);
    const identities = await identitySigning(key.path, () => {
      proxy.finish();
      return new Promise(() => undefined);
    });
    const attempt = connectTo(login(target, { port: proxy.port, over: [login(hop)], identities }));
    await expect(attempt).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { port: proxy.port, stage: 'auth', reason: 'the server closed the connection' },
    });
  });

  it('that does not reach a machine that boots is to be asked again', async () => {
    const port = await freePort();
    await expect(connectTo({ port, keys: [key.path], over: [login(hop)] })).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { port, hop: 'dev-1', stage: 'dial', reason: 'dev-1 says: connection refused' },
    });
  });

  it('that does not answer itself is to be tried again, and named', async () => {
    const port = await freePort();
    await expect(connectTo(login(target, { over: [{ port, keys: [key.path] }] }))).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { port: target.port, hop: 'dev-1', reason: 'dev-1, on the way there: connection refused' },
    });
  });

  it('that refuses the login is named, and not tried again', async () => {
    const stranger = await makeKey(directory, 'another');
    await expect(connectTo(login(target, { over: [login(hop, { keys: [stranger.path] })] }))).rejects.toMatchObject({
      ...{ code: 'ssh.auth_refused', retryable: false },
      facts: { port: hop.port, hop: 'dev-1', tried: [stranger.path] },
    });
  });

  it('that shows another key is named, and nothing goes on from it', async () => {
    const before = target.connections();
    await expect(
      connectTo(login(target, { over: [login(hop, { hostKeyLine: target.hostKeyLine })] })),
    ).rejects.toMatchObject({ code: 'ssh.host_key_changed', retryable: false, facts: { hop: 'dev-1' } });
    expect(target.connections()).toBe(before);
  });

  it('that forwards nothing is named, and not tried again', async () => {
    await using closed = await startSshd({ authorizedKeys: [key.line], config: ['AllowTcpForwarding no'] });
    await expect(connectTo(login(target, { over: [login(closed)] }))).rejects.toMatchObject({
      ...{ code: 'ssh.channel_refused', retryable: false },
      facts: { hop: 'dev-1', port: closed.port, sshReason: 1 },
    });
  });

  it('of two is named by the one before it, where it does not listen', async () => {
    const port = await freePort();
    const over = [login(hop), { port, keys: [key.path] }];
    await expect(connectTo(login(target, { over }))).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: {
        ...{ port: target.port, hop: 'dev-1' },
        reason: 'dev-1, on the way there: dev-1 says: connection refused',
      },
    });
  });

  it('that answers like no server of ours is refused', async () => {
    await using odd = await startSshServer({ onForward: (channel) => void channel.end('HTTP/1.1 400\r\n\r\n') });
    const over = [{ port: odd.port, keys: [key.path] }];
    await expect(connectTo(login(target, { over }))).rejects.toMatchObject({ code: 'ssh.unreachable' });
  });
});

describeWith(
  [...sshdParts, 'ssh-agent', 'ssh-add'],
  'an agent with twelve keys, the last of which is the right one',
  () => {
    let agent: RunningAgent;
    beforeAll(async () => {
      agent = await startAgent(directory);
      for (let index = 0; index < 11; index += 1) await agent.add((await makeKey(directory, `agent_${index}`)).path);
      await agent.add(key.path);
    });
    afterAll(() => agent.stop());

    it('logs in to a server that takes six tries, and to a host on the way to it', async () => {
      const withAgent = { keys: [], agentSocket: agent.socket };
      const over = [login(hop, withAgent)];
      const { transport } = await connectTo(login(target, { ...withAgent, over }));
      const channel = await transport.exec('exit 9');
      expect(await channel.exit).toEqual({ kind: 'code', code: 9 });
      await transport.close();
    });
  },
);
