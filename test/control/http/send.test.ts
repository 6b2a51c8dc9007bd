import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sender } from '../../../src/control/http/send.js';
import { makeAuthority, type Authority } from '../../fakes/certificates.js';
import { startHttpProxy } from '../../fakes/http-proxy.js';
import { describeWith } from '../../fakes/parts.js';
import { startTcpServer } from '../../fakes/tcp-servers.js';

interface Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

async function serve(listener: RequestListener, tls?: { key: string; cert: string }): Promise<Server> {
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const send = sender({ env: {} });
const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
const get = { method: 'GET', headers: {} };

describe('a request', () => {
  it('is sent as it is, and its answer returned as it is', async () => {
    await using server = await serve((request, response) => {
      response.writeHead(201, { 'x-seen': `${request.method} ${request.url} ${String(request.headers['x-own'])}` });
      request.pipe(response);
    });
    const body = '{"name":"wëb"}';
    const answer = await send({ ...post, url: `${server.url}/path?a=b`, headers: { 'x-own': 'value' }, body });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-seen')).toBe('POST /path?a=b value');
    expect(await answer.text()).toBe(body);
  });

  it('reaches the server once, whatever that answers: 421 too, which fetch takes for a reason to send a POST again', async () => {
    const seen = new Map<string, number>();
    await using server = await serve((request, response) => {
      const key = `${request.method} ${request.url}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      response.writeHead(Number(request.url?.slice(1)), { 'retry-after': '0', location: '/200' }).end('x');
    });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']) {
      for (let status = 300; status < 600; status += 1) {
        const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
        const answer = await send({ method, headers: {}, body, url: `${server.url}/${status}` });
        expect(answer.status).toBe(status);
      }
    }
    expect([...seen].filter(([, times]) => times !== 1)).toEqual([]);
    expect(seen.size).toBe(1_500);
  });

  it('reaches the server once, where that closes connections that were kept open', async () => {
    let requests = 0;
    let connections = 0;
    const server = createHttpServer((request, response) => {
      requests += 1;
      request.resume();
      response.end('{}');
    });
    server.keepAliveTimeout = 1;
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (let time = 0; time < 20; time += 1) expect((await send({ ...post, url })).status).toBe(200);
    expect(requests).toBe(20);
    expect(connections).toBe(20);
    server.close();
  });

  it.each([
    ['is reset before the answer', (socket: Socket) => socket.resetAndDestroy()],
    ['is closed before the answer', (socket: Socket) => socket.end()],
    [
      'is closed in the midst of the answer',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":'),
    ],
    [
      'is closed in the midst of an answer in chunks',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"hal\r\n'),
    ],
    [
      'is reset in the midst of the answer',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":', () => socket.resetAndDestroy());
      },
    ],
  ])('whose connection %s may have been carried out, and is sent once', async (_, misbehave) => {
    let times = 0;
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => {
        times += 1;
        misbehave(socket);
      });
    });
    const sending = send({ ...post, url: `http://127.0.0.1:${server.port}` });
    await expect(sending).rejects.toMatchObject({ kind: 'cut', retryable: true, maybeApplied: true });
    expect(times).toBe(1);
    expect(server.connections).toBe(1);
  });

  it('that is refused, or whose server has no such name, was not carried out', async () => {
    const server = await startTcpServer(() => undefined);
    await server.stop();
    const refused = { kind: 'not reached', retryable: true, maybeApplied: false };
    const closed = send({ ...post, url: `http://127.0.0.1:${server.port}` });
    await expect(closed).rejects.toMatchObject({ ...refused, message: 'connection refused' });
    await expect(send({ ...post, url: 'http://no-such-host.invalid' })).rejects.toMatchObject(refused);
  });

  it('is given up when no answer comes in time, or it does not go on', async () => {
    await using silent = await startTcpServer(() => undefined);
    const late = { kind: 'late', retryable: true, maybeApplied: true };
    const brief = { ...post, limitMs: 600 };
    await expect(send({ ...brief, url: `http://127.0.0.1:${silent.port}` })).rejects.toMatchObject(late);
    await silent.idle();
    await using stuck = await startTcpServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{');
    });
    await expect(send({ ...brief, url: `http://127.0.0.1:${stuck.port}` })).rejects.toMatchObject(late);
    await stuck.idle();
  });

  it('ends with the reason when it is aborted, before and meanwhile', async () => {
    await using silent = await startTcpServer(() => undefined);
    const url = `http://127.0.0.1:${silent.port}`;
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    const sending = send({ ...post, url, signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(sending).rejects.toBe(reason);
    await expect(send({ ...post, url, signal: controller.signal })).rejects.toBe(reason);
    await silent.idle();
  });

  it('is not asked again of a server that speaks no HTTP, or does not stop speaking', async () => {
    await using ssh = await startTcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n'));
    await expect(send({ ...get, url: `http://127.0.0.1:${ssh.port}` })).rejects.toMatchObject({ retryable: false });
    await using endless = await serve((_request, response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    await expect(send({ ...get, url: endless.url })).rejects.toMatchObject({ retryable: false });
  });

  it('is over where the server changes the protocol', async () => {
    await using server = await startTcpServer((socket) => {
      const words = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n';
      socket.once('data', () => socket.write(words));
    });
    const sending = send({ ...get, url: `http://127.0.0.1:${server.port}` });
    await expect(sending).rejects.toMatchObject({ kind: 'cut', retryable: false });
    await server.idle();
  });

  it('follows no redirect: its token is for one server', async () => {
    const seen: string[] = [];
    await using server = await serve((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect((await send({ ...get, url: `${server.url}/here` })).status).toBe(307);
    expect(seen).toEqual(['/here']);
  });

  it('tells nothing of itself where it cannot be sent', async () => {
    const sending = send({ ...get, url: 'http://127.0.0.1:1', headers: { authorization: 'Bearer se\ncret' } });
    await expect(sending).rejects.not.toMatchObject({ message: expect.stringContaining('cret') as string });
  });
});

describeWith(['openssl'], 'a request over TLS', () => {
  let directory: string;
  let authority: Authority;
  let tls: { key: string; cert: string };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-send-'));
    authority = await makeAuthority(directory);
    tls = await authority.issue('127.0.0.1');
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('goes to a server that an authority of NODE_EXTRA_CA_CERTS vouches for', async () => {
    await using server = await serve((_request, response) => response.end('hello'), tls);
    const trusting = sender({ env: { NODE_EXTRA_CA_CERTS: authority.path } });
    expect(await (await trusting({ ...get, url: server.url })).text()).toBe('hello');
  });

  it('does not go to any other, and is not tried again', async () => {
    let requests = 0;
    await using server = await serve((_request, response) => {
      requests += 1;
      response.end();
    }, tls);
    const refused = { kind: 'not reached', retryable: false, maybeApplied: false };
    await expect(send({ ...post, url: server.url })).rejects.toMatchObject(refused);
    const wrongName = { ...post, url: server.url.replace('127.0.0.1', 'localhost') };
    const trusting = sender({ env: { NODE_EXTRA_CA_CERTS: authority.path } });
    await expect(trusting(wrongName)).rejects.toMatchObject(refused);
    expect(requests).toBe(0);
  });

  it('does not go to a server that speaks no TLS', async () => {
    await using plain = await serve((_request, response) => response.end());
    const sending = send({ ...post, url: `https://127.0.0.1:${plain.port}` });
    await expect(sending).rejects.toMatchObject({ kind: 'not reached', retryable: false });
  });

  it('goes through the proxy of the environment, which learns its target alone', async () => {
    const named = await authority.issue('localhost');
    await using server = await serve((request, response) => response.end(request.headers.authorization), named);
    const url = `https://localhost:${server.port}`;
    await using proxy = await startHttpProxy();
    const env = { NODE_EXTRA_CA_CERTS: authority.path, HTTPS_PROXY: `http://me:pw@127.0.0.1:${proxy.port}` };
    const headers = { authorization: 'Bearer secret' };
    const answer = await sender({ env })({ ...get, headers, url });
    expect(await answer.text()).toBe('Bearer secret');
    const credentials = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    expect(proxy.asked).toEqual([{ target: `localhost:${server.port}`, credentials }]);
    expect((await sender({ env: { ...env, NO_PROXY: 'localhost' } })({ ...get, url })).status).toBe(200);
    expect(proxy.asked).toHaveLength(1);
  });

  it.each([
    ['127.0.0.1', true],
    ['localhost', false],
  ])('goes to the address 127.0.0.1 through a proxy where the certificate is for %s: %s', async (name, isGood) => {
    await using server = await serve((_request, response) => response.end(), await authority.issue(name));
    await using proxy = await startHttpProxy();
    const env = { NODE_EXTRA_CA_CERTS: authority.path, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const sending = sender({ env })({ ...get, url: server.url });
    if (isGood) expect((await sending).status).toBe(200);
    else await expect(sending).rejects.toMatchObject({ kind: 'not reached', retryable: false });
  });

  it.each([
    [403, false],
    [407, false],
    [502, true],
  ])('does not take the %d of a proxy for the answer of the server', async (status, retryable) => {
    await using proxy = await startHttpProxy({ refuseWith: status });
    const env = { HTTPS_PROXY: `http://me:pw@127.0.0.1:${proxy.port}` };
    const error = await sender({ env })({ ...post, url: 'https://control.example.com' }).catch((each: unknown) => each);
    expect(error).toMatchObject({ kind: 'not reached', retryable, maybeApplied: false });
    expect(String(error)).toContain(String(status));
    expect(String(error)).not.toContain('pw');
  });

  it('is not sent where the proxy is none that can be used, which is no matter of SSH', async () => {
    const sending = sender({ env: { HTTPS_PROXY: 'socks5://me:pw@proxy' } })({ ...post, url: 'https://example.com' });
    await expect(sending).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.not.stringContaining('pw') as string,
    });
  });

  it('may pass where the proxy hangs up', async () => {
    await using rude = await startTcpServer((socket) => socket.end());
    const env = { HTTPS_PROXY: `http://127.0.0.1:${rude.port}` };
    const sending = sender({ env })({ ...post, url: 'https://control.example.com' });
    await expect(sending).rejects.toMatchObject({ kind: 'not reached', retryable: true, maybeApplied: false });
  });

  it('is given up where the proxy does not answer', async () => {
    await using silent = await startTcpServer(() => undefined);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${silent.port}` };
    const sending = sender({ env, limitMs: 100 })({ ...get, url: 'https://control.example.com' });
    await expect(sending).rejects.toMatchObject({ kind: 'late' });
    await silent.idle();
  });
});
