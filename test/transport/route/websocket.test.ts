import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import { freePort } from '../../../src/provider/local/free-port.js';
import { makeAuthority, type Authority } from '../../fakes/certificates.js';
import { startHttpProxy } from '../../fakes/http-proxy.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo, identitySigning, type Login } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer, type SshServer } from '../../fakes/ssh-server.js';
import { startProxy, startTcpServer } from '../../fakes/tcp-servers.js';
import { startWebSocketBridge } from '../../fakes/websocket-bridge.js';

let directory: string;
let key: MadeKey;
let server: SshServer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-websocket-'));
  key = await makeKey(directory, 'id');
  server = await startSshServer();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

interface By extends Partial<Login> {
  readonly headers?: Readonly<Record<string, string>>;
}

const by = (url: string, { headers, ...login }: By = {}) =>
  connectTo({
    ...{ host: 'web.invalid', port: 22, keys: [key.path], env: {} },
    ...login,
    route: { kind: 'websocket', url, ...(headers === undefined ? {} : { headers }) },
  });

/** The error of an attempt, with all that it says anywhere. */
async function failure(attempt: Promise<unknown>): Promise<{ error: SidecarError; said: string }> {
  const error = await attempt.catch((thrown: unknown) => thrown);
  if (!(error instanceof SidecarError)) throw new Error(`not failed as expected: ${String(error)}`);
  return { error, said: JSON.stringify([error.message, error.facts]) };
}

describe('a WebSocket that leads to a server', () => {
  it('carries the session, with the headers that were given, and is closed with it', async () => {
    await using bridge = await startWebSocketBridge(server.port);
    const headers = { Authorization: 'Bearer secret' };
    const { transport } = await by(`ws://127.0.0.1:${bridge.port}/ssh?token=x`, { headers });
    expect(bridge.requests).toMatchObject([{ authorization: 'Bearer secret' }]);
    await transport.close();
    await bridge.idle();
  });

  it('that breaks has lost the session, in a way that passes', async () => {
    await using bridge = await startWebSocketBridge(server.port);
    const { transport } = await by(`ws://localhost:${bridge.port}`);
    bridge.cut();
    expect(await transport.closed).toMatchObject({ code: 'ssh.connection_lost', retryable: true });
  });

  it.each([
    ['before its banner', 0],
    ['within its banner', 10],
    ['after its banner', 30],
    ['within the key exchange', 500],
  ])('whose server closes %s says so at once, and is to be tried again', async (_when, receivedBytes) => {
    await using proxy = await startProxy(server.port);
    await using bridge = await startWebSocketBridge(proxy.port);
    proxy.next('finish', { receivedBytes });
    await expect(by(`ws://127.0.0.1:${bridge.port}`)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { stage: 'handshake', reason: expect.stringMatching(/closed|hung up/) as string },
    });
  });

  it.each([
    ['breaks', 'reset'],
    ['is closed', 'finish'],
    ['says goodbye and does not hang up', 'freeze'],
  ] as const)('that %s during the login says so at once, and is to be tried again', async (_how, end) => {
    await using proxy = await startProxy(server.port);
    await using bridge = await startWebSocketBridge(proxy.port);
    const identities = await identitySigning(key.path, () => {
      proxy[end]();
      if (end === 'reset') bridge.cut();
      if (end === 'freeze') bridge.close();
      return new Promise(() => undefined);
    });
    await expect(by(`ws://127.0.0.1:${bridge.port}`, { identities })).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { stage: 'auth', reason: 'the server closed the connection' },
    });
  });

  it('that is closed while it is written to has lost the session, in a way that passes', async () => {
    await using bridge = await startWebSocketBridge(server.port);
    const { transport } = await by(`ws://127.0.0.1:${bridge.port}`);
    bridge.close();
    const writing = setInterval(() => void transport.exec('true').catch(() => undefined), 1);
    const lost = await transport.closed.finally(() => clearInterval(writing));
    expect(lost).toMatchObject({
      ...{ code: 'ssh.connection_lost', retryable: true },
      facts: { errno: 'EPIPE', reason: 'connection closed' },
    });
  });

  it('is left by an attempt that is aborted before it is open, and by one that is afterwards', async () => {
    const reason = new Error('stop');
    const early = new AbortController();
    await using silent = await startTcpServer(() => early.abort(reason));
    await expect(by(`ws://127.0.0.1:${silent.port}`, { signal: early.signal })).rejects.toBe(reason);
    await silent.idle();
    const late = new AbortController();
    await using mute = await startTcpServer(() => late.abort(reason));
    await using bridge = await startWebSocketBridge(mute.port);
    await expect(by(`ws://127.0.0.1:${bridge.port}`, { signal: late.signal })).rejects.toBe(reason);
    await bridge.idle();
  });

  it('that says nothing is given up when the time is up', async () => {
    await using silent = await startTcpServer(() => undefined);
    await expect(by(`ws://127.0.0.1:${silent.port}`, { timeoutMs: 300 })).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { host: 'web.invalid', port: 22, reason: 'no answer within 0.3 s' },
    });
    await silent.idle();
  });

  it.each([425, 429, 502, 503, 504])('that is answered %i is to be tried again', async (status) => {
    await using bridge = await startWebSocketBridge(server.port, { answer: () => status });
    const { error, said } = await failure(by(`ws://user:secret@127.0.0.1:${bridge.port}/secret?secret`));
    expect(error).toMatchObject({ code: 'ssh.unreachable', retryable: true, facts: { status, stage: 'dial' } });
    expect(said).not.toContain('secret');
  });

  it.each([301, 400, 401, 403, 404, 410, 500])('that is answered %i is not tried again', async (status) => {
    await using bridge = await startWebSocketBridge(server.port, { answer: () => status });
    const headers = { Authorization: 'Bearer secret' };
    const { error, said } = await failure(by(`ws://127.0.0.1:${bridge.port}/secret?secret`, { headers }));
    expect(error).toMatchObject({ code: 'ssh.tunnel_refused', retryable: false });
    expect(error.facts).toMatchObject({ host: 'web.invalid', status, origin: `ws://127.0.0.1:${bridge.port}` });
    expect(said).not.toContain('secret');
  });

  it('that nobody listens for is to be tried again', async () => {
    const port = await freePort();
    await expect(by(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      ...{ code: 'ssh.unreachable', retryable: true },
      facts: { errno: 'ECONNREFUSED', reason: `ws://127.0.0.1:${port}: connection refused` },
    });
  });

  it('that is hung up on is to be tried again', async () => {
    await using rude = await startTcpServer((socket) => socket.destroy());
    await expect(by(`ws://127.0.0.1:${rude.port}`)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });

  it.each([
    'ws://web.example.com/secret',
    'http://127.0.0.1/secret',
    'no url, but secret',
    'wss://web.example.com/#secret',
  ])('at %j is refused without a try', async (url) => {
    const { error, said } = await failure(by(url));
    expect(error).toMatchObject({ code: 'ssh.config_invalid', retryable: false });
    expect(said).not.toContain('secret');
  });

  it('with a header that cannot be sent is refused, and the header not told', async () => {
    const { error, said } = await failure(by('ws://127.0.0.1:1', { headers: { Authorization: 'secret\n' } }));
    expect(error).toMatchObject({ code: 'ssh.config_invalid', retryable: false });
    expect(said).not.toContain('secret');
  });
});

describeWith(['openssl'], 'a WebSocket with TLS', () => {
  let authority: Authority;
  let trusting: NodeJS.ProcessEnv;
  beforeAll(async () => {
    authority = await makeAuthority(directory);
    trusting = { NODE_EXTRA_CA_CERTS: authority.path };
  });

  it('is verified against an authority of the user', async () => {
    await using bridge = await startWebSocketBridge(server.port, { tls: await authority.issue('127.0.0.1') });
    const { transport } = await by(`wss://127.0.0.1:${bridge.port}`, { env: trusting });
    await transport.close();
  });

  it.each([
    ['of an unknown authority', '127.0.0.1', 30, {}, 'its certificate is not of an authority that is trusted here'],
    ['for another name', 'other.example', 30, undefined, 'its certificate is for another name'],
    ['that has expired', '127.0.0.1', -1, undefined, 'its certificate has expired'],
  ])(
    'with a certificate %s is refused, whatever Node is told, and not tried again',
    async (_which, name, days, env, words) => {
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        await using bridge = await startWebSocketBridge(server.port, { tls: await authority.issue(name, days) });
        const origin = `wss://127.0.0.1:${bridge.port}`;
        await expect(by(`${origin}/x`, { env: env ?? trusting })).rejects.toMatchObject({
          ...{ code: 'ssh.tunnel_refused', retryable: false, facts: { reason: `${origin}: ${words}` } },
        });
        expect(bridge.requests).toEqual([]);
      } finally {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      }
    },
  );

  describe('takes the certificate of its own host alone', () => {
    // Whoever runs a proxy has a certificate for its name, and for what Node makes of no name.
    const ways = [undefined, '127.0.0.1', 'localhost'];
    const named = (host: string): string => host.replace(/^\[|\]$/g, '');
    const cases = ['127.0.0.1', 'localhost', '192.0.2.7', '[2001:db8::7]', 'web.invalid'].flatMap((host) =>
      ['127.0.0.1', 'localhost', named(host)].flatMap((name) =>
        // Directly, only this machine can be reached.
        ways
          .filter((proxy) => proxy !== undefined || host === '127.0.0.1' || host === 'localhost')
          .map((proxy) => ({ host, name, proxy, way: proxy === undefined ? 'directly' : `by a proxy at ${proxy}` })),
      ),
    );
    const unique = [...new Map(cases.map((each) => [JSON.stringify(each), each])).values()];

    it.each(unique)('$host $way, with one for $name', async ({ host, name, proxy: proxyHost }) => {
      await using proxy = await startHttpProxy();
      await using bridge = await startWebSocketBridge(server.port, { tls: await authority.issue(name) });
      const origin = `wss://${host}:${bridge.port}`;
      const way = proxyHost === undefined ? {} : { HTTPS_PROXY: `http://${proxyHost}:${proxy.port}` };
      const headers = { Authorization: 'Bearer secret' };
      const connecting = by(origin, { env: { ...trusting, ...way }, headers });
      if (name === named(host)) {
        await (await connecting).transport.close();
        return;
      }
      await expect(connecting).rejects.toMatchObject({
        ...{ code: 'ssh.tunnel_refused', retryable: false },
        facts: { reason: `${origin}: its certificate is for another name` },
      });
      expect(bridge.requests).toEqual([]);
    });
  });

  it('where no TLS is spoken is refused', async () => {
    await using bridge = await startWebSocketBridge(server.port);
    await expect(by(`wss://127.0.0.1:${bridge.port}`)).rejects.toMatchObject({
      ...{ code: 'ssh.tunnel_refused', retryable: false },
      facts: { reason: expect.stringMatching(/: TLS cannot be agreed on/) as string },
    });
  });

  it('with an authority that cannot be read is a mistake in the configuration', async () => {
    const env = { NODE_EXTRA_CA_CERTS: join(directory, 'missing.pem') };
    await expect(by('wss://127.0.0.1:1', { env })).rejects.toMatchObject({ code: 'ssh.config_invalid' });
  });

  describe('by a proxy', () => {
    it('goes through it, with its password, and is verified all the same', async () => {
      await using proxy = await startHttpProxy();
      await using bridge = await startWebSocketBridge(server.port, { tls: await authority.issue('web.invalid') });
      const url = `wss://web.invalid:${bridge.port}`;
      const env = { ...trusting, https_proxy: `http://me:pass%20word@127.0.0.1:${proxy.port}` };
      const { transport } = await by(url, { env });
      await transport.close();
      const credentials = `Basic ${Buffer.from('me:pass word').toString('base64')}`;
      expect(proxy.asked).toEqual([{ target: `web.invalid:${bridge.port}`, credentials }]);
      const wary = { https_proxy: env.https_proxy };
      await expect(by(url, { env: wary })).rejects.toMatchObject({ code: 'ssh.tunnel_refused' });
    });

    it('does not where NO_PROXY says so', async () => {
      await using proxy = await startHttpProxy();
      await using bridge = await startWebSocketBridge(server.port, { tls: await authority.issue('127.0.0.1') });
      const env = { ...trusting, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.0/8' };
      const { transport } = await by(`wss://127.0.0.1:${bridge.port}`, { env });
      await transport.close();
      expect(proxy.asked).toEqual([]);
    });

    it.each([
      [407, 'ssh.tunnel_refused', false],
      [403, 'ssh.tunnel_refused', false],
      [502, 'ssh.unreachable', true],
    ])('that answers %i is %s, and named without its password', async (refuseWith, code, retryable) => {
      await using proxy = await startHttpProxy({ refuseWith });
      const env = { ALL_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` };
      const { error, said } = await failure(by('wss://web.invalid', { env }));
      expect(error).toMatchObject({ code, retryable, facts: { proxy: `http://127.0.0.1:${proxy.port}` } });
      expect(said).not.toContain('secret');
    });

    it('that never answers is left with nothing of the attempt', async () => {
      const controller = new AbortController();
      await using proxy = await startTcpServer(() => controller.abort(new Error('Ctrl-C')));
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
      await expect(by('wss://web.invalid', { env, signal: controller.signal })).rejects.toThrow('Ctrl-C');
      await proxy.idle();
    });

    it.each<[how: string, greet: (socket: Socket) => void]>([
      ['at once', (socket) => socket.end()],
      ['once it was asked', (socket) => socket.once('data', () => socket.end())],
      ['in the middle of its answer', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 '))],
    ])('that hangs up %s is to be tried again, and named', async (_how, greet) => {
      await using rude = await startTcpServer(greet);
      const env = { HTTPS_PROXY: `http://me:secret@127.0.0.1:${rude.port}` };
      const { error, said } = await failure(by('wss://web.invalid', { env }));
      expect(error).toMatchObject({
        ...{ code: 'ssh.unreachable', retryable: true },
        facts: { reason: `wss://web.invalid by the proxy http://127.0.0.1:${rude.port}: the proxy hung up` },
      });
      expect(said).not.toContain('secret');
    });

    it('that is not there is to be tried again, and named', async () => {
      const port = await freePort();
      const { error } = await failure(by('wss://web.invalid', { env: { HTTPS_PROXY: `http://127.0.0.1:${port}` } }));
      expect(error).toMatchObject({
        ...{ code: 'ssh.unreachable', retryable: true },
        facts: { reason: `wss://web.invalid by the proxy http://127.0.0.1:${port}: connection refused` },
      });
    });
  });
});
