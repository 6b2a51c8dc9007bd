import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forward } from '../../src/forward/forward.js';
import { BuiltProgram, type Running } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../fakes/sshd.js';
import { readHalf, startProxy, startTcpServer, type CuttableProxy, type TcpServer } from '../fakes/tcp-servers.js';

let user: BuiltProgram;
let server: TcpServer;

beforeEach(async () => {
  user = new BuiltProgram();
  server = await startTcpServer((socket) => socket.on('data', (said) => socket.end(`heard ${said.toString()}`)));
});
afterEach(async () => {
  await server.stop();
  await user[Symbol.asyncDispose]();
});

const target = (): string => `0:127.0.0.1:${server.port}`;
const forward = (...argv: string[]): Running => user.start('forward', ...argv);

interface Document {
  readonly sidecar: string;
  readonly forwards: readonly Forward[];
}
async function documentOf(running: Running): Promise<Document> {
  const said = once(running.child.stdout ?? running.child, 'data') as Promise<[string]>;
  const failed = running.ended.then(({ stderr }) => Promise.reject(new Error(stderr)));
  return JSON.parse((await Promise.race([said, failed]))[0]) as Document;
}
const portsOf = ({ forwards }: Document): number[] => forwards.map(({ listen }) => listen.port);

const dial = (port: number): Socket => connect({ host: '127.0.0.1', port, allowHalfOpen: true });
async function ask(port: number): Promise<string> {
  const socket = dial(port);
  socket.write('you');
  const answer = await readHalf(socket);
  socket.end();
  return answer.toString();
}
async function interrupt(running: Running): Promise<number> {
  running.child.kill('SIGINT');
  return (await running.ended).code;
}
async function isRefused(port: number): Promise<boolean> {
  const socket = dial(port);
  const refused = await once(socket, 'connect').then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}

describeWith(sshdParts, 'forward on a host with OpenSSH', () => {
  let key: MadeKey;
  let sshd: Sshd;
  let proxy: CuttableProxy;

  async function start(config: readonly string[] = []): Promise<void> {
    key = await makeKey(user.directory('keys'), 'id');
    sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far-home'), config });
    proxy = await startProxy(sshd.port);
    const destination = `127.0.0.1:${proxy.port}`;
    await user.type('add', 'web', destination, '--identity', key.path, '--host-key', sshd.hostKeyLine);
  }
  afterEach(async () => {
    await proxy.stop();
    await sshd.stop();
  });

  it('leads there and back, several at once, says where in one document, and ends with Ctrl-C', async () => {
    await start();
    const running = forward('--json', target(), target(), '-R', target());
    const document = await documentOf(running);
    expect(document).toMatchObject({
      sidecar: 'web',
      forwards: ['local', 'local', 'remote'].map((direction) => ({ direction, listen: { host: '127.0.0.1' } })),
    });
    const ports = portsOf(document);
    expect(await Promise.all(ports.map(ask))).toEqual(ports.map(() => 'heard you'));
    expect(proxy.connections).toBe(1);
    expect(await interrupt(running)).toBe(130);
    expect(await Promise.all(ports.slice(0, 2).map(isRefused))).toEqual([true, true]);
    while (!(await isRefused(ports[2] ?? 0)));
  });

  it('says in a line for each what leads where', async () => {
    await start();
    const running = forward('0:3000', '-R', '0:db:5432');
    await running.said('here');
    running.child.kill('SIGINT');
    const { stdout, stderr } = await running.ended;
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+ → localhost:3000 on web\n127\.0\.0\.1:\d+ on web → db:5432 here\n$/);
    expect(stderr).toBe('sidecar: interrupted\n');
  });

  it('refuses a port that is taken, here before it connects, and over there', async () => {
    await start();
    const here = await forward('--json', `${server.port}:80`).ended;
    expect(here).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(here.stderr)).toMatchObject({
      error: { code: 'forward.local_refused', listenPort: server.port, errno: 'EADDRINUSE', sidecar: 'web' },
    });
    expect(proxy.connections).toBe(0);
    const there = await forward('--json', '-R', `${server.port}:80`).ended;
    expect(there).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(there.stderr)).toMatchObject({
      error: { code: 'forward.remote_refused', listenPort: server.port, sidecar: 'web' },
    });
  });

  it('says so where the server allows none', async () => {
    await start(['AllowTcpForwarding no']);
    const { code, stderr } = await forward('-R', '0:80').ended;
    expect(code).toBe(1);
    expect(stderr).toContain('AllowTcpForwarding');
    const running = forward('--json', target());
    const [port = 0] = portsOf(await documentOf(running));
    const [error] = (await once(dial(port), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(await interrupt(running)).toBe(130);
  });

  it('comes back after the connection was lost, on the same ports, and has who connects meanwhile wait', async () => {
    await start();
    const running = forward('--json', target(), '-R', target());
    const [local = 0, remote = 0] = portsOf(await documentOf(running));
    expect(await ask(local)).toBe('heard you');
    proxy.reset();
    expect(await ask(local)).toBe('heard you');
    while ((await ask(remote).catch(() => '')) !== 'heard you');
    expect(proxy.connections).toBe(2);
    expect(await interrupt(running)).toBe(130);
  });

  it('gives up when the machine stays away', async () => {
    await start();
    const running = forward('--connect-timeout', '1s', target());
    await running.said('→');
    await proxy.stop();
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([255, expect.stringContaining('the connection to web') as string]);
  });
});

describe('forward on a local sidecar', () => {
  it('leads there and back, and refuses a circle', async () => {
    await user.type('create', 'web');
    const running = forward('--json', target(), '-R', target());
    const ports = portsOf(await documentOf(running));
    expect(await Promise.all(ports.map(ask))).toEqual(['heard you', 'heard you']);
    expect(await interrupt(running)).toBe(130);
    while (!(await isRefused(ports[1] ?? 0)));

    const circle = await forward('--json', '18080').ended;
    expect(circle.code).toBe(2);
    expect(JSON.parse(circle.stderr)).toMatchObject({ error: { code: 'usage.invalid' } });
  });

  it('wants something to forward', async () => {
    for (const argv of [[], ['x'], ['-R', '80:80:80:80:80']]) {
      const { code, stderr } = await user.type('forward', ...argv);
      expect([code, stderr]).toEqual([2, expect.stringContaining('forward') as string]);
    }
  });
});
