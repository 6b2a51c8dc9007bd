import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { SidecarEvent } from '../../src/events.js';
import { startForwarding, type Forwarding } from '../../src/forward/forward.js';
import { parseForward } from '../../src/transport/forward-spec.js';
import { unusedPort } from '../fakes/unused-port.js';
import type { Open } from '../../src/session/way.js';
import { memoryTransport, shell, type MemoryTransport } from '../fakes/memory-transport.js';
import { isOver, readHalf } from '../fakes/tcp-servers.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';

/** What each attempt to open a session gets: a transport, once the test lets it. */
class Sessions {
  readonly transports: MemoryTransport[] = [];
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  /** Of a machine that sleeps, only who wakes it gets one. */
  isAsleep = false;
  /** What was asked for, in the order of asking. */
  readonly asked: (boolean | undefined)[] = [];

  readonly open: Open = async (signal, _, { wake } = {}) => {
    this.asked.push(wake);
    await Promise.race([this.#gate, once(signal, 'abort').then(() => Promise.reject(signal.reason as Error))]);
    if (this.isAsleep && wake === false) throw new SidecarError('provider.stopped', {}, { retryable: false });
    this.isAsleep = false;
    const transport = memoryTransport(shell());
    this.transports.push(transport);
    return { transport, attempts: 1, elapsedMs: 0 };
  };

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  letGo(): void {
    this.#open();
  }
}

let sessions: Sessions;
let clock: FakeClock;
let stop: AbortController;
let events: SidecarEvent[];
let server: Server;
let served: Socket[];
let port: number;

beforeEach(async () => {
  [sessions, clock, stop, events, served] = [new Sessions(), fakeClock(), new AbortController(), [], []];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket.on('error', () => undefined));
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  stop.abort();
  for (const socket of served) socket.destroy();
  server.close();
});

function start(local: readonly string[], remote: readonly string[] = []): Promise<Forwarding> {
  return startForwarding({
    ...{ local: local.map(parseForward), remote: remote.map(parseForward) },
    ...{ open: sessions.open, clock, signal: stop.signal, emit: (event) => events.push(event) },
  });
}
const portOf = ({ forwards }: Forwarding, index = 0): number => forwards[index]?.listen.port ?? 0;
const dial = (to: number): Socket =>
  connect({ host: '127.0.0.1', port: to, allowHalfOpen: true }).on('error', () => undefined);
async function dialOnceUp(to: number): Promise<Socket> {
  for (;;) {
    const socket = dial(to);
    if (await happens(once(socket, 'connect'))) return socket;
  }
}
const happens = (event: Promise<unknown>): Promise<boolean> =>
  event.then(
    () => true,
    () => false,
  );
async function echoed(socket: Socket, sent: Buffer): Promise<boolean> {
  socket.end(sent);
  return (await readHalf(socket)).equals(sent);
}
const target = (): string => `0:127.0.0.1:${port}`;

describe.each(['local', 'remote'] as const)('a %s forward', (direction) => {
  const begin = (spec: string): Promise<Forwarding> => (direction === 'local' ? start([spec]) : start([], [spec]));

  it('tells the port that it got, and carries many connections at once to their ends', async () => {
    const forwarding = await begin(target());
    expect(forwarding.forwards).toEqual([
      { direction, listen: { host: '127.0.0.1', port: portOf(forwarding) }, target: { host: '127.0.0.1', port } },
    ]);
    const sent = Array.from({ length: 8 }, () => randomBytes(500_000));
    const all = await Promise.all(sent.map((bytes) => echoed(dial(portOf(forwarding)), bytes)));
    expect(all).toEqual(sent.map(() => true));
  });

  it('passes on the end of either half alone', async () => {
    const forwarding = await begin(target());
    server.removeAllListeners('connection').on('connection', (socket: Socket) => {
      served.push(socket.on('error', () => undefined));
      socket.end('all that is said');
    });
    const socket = dial(portOf(forwarding));
    expect((await readHalf(socket)).toString()).toBe('all that is said');
    const [far] = served;
    socket.end('and answered later');
    expect(far && (await readHalf(far)).toString()).toBe('and answered later');
  });

  it('passes on a connection that breaks as one that breaks', async () => {
    const forwarding = await begin(target());
    const socket = dial(portOf(forwarding));
    socket.write('x');
    await once(socket, 'data');
    served[0]?.resetAndDestroy();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });

  it('breaks off a connection that its target does not take, says so once, and goes on', async () => {
    const nobody = await unusedPort();
    const forwarding = await begin(`0:127.0.0.1:${nobody}`);
    for (let time = 0; time < 2; time += 1) {
      await isOver(dial(portOf(forwarding)));
    }
    expect(events).toEqual([expect.objectContaining({ kind: 'forward.refused', target: `127.0.0.1:${nobody}` })]);
    const late = createServer((socket) => socket.on('error', () => undefined).end('here now')).listen(
      nobody,
      '127.0.0.1',
    );
    await once(late, 'listening');
    expect((await readHalf(dial(portOf(forwarding)))).toString()).toBe('here now');
    late.close();
  });

  it('comes back on the same port after the session was lost', async () => {
    const forwarding = await begin(target());
    const open = dial(portOf(forwarding));
    open.write('x');
    await once(open, 'data');
    const broken = isOver(open);
    sessions.transports[0]?.cut();
    await broken;
    while (!(await echoed(dial(portOf(forwarding)), randomBytes(10)).catch(() => false)));
    expect(sessions.transports.length).toBe(2);
  });

  it('ends at once when it is told to, with all its connections and its port', async () => {
    const forwarding = await begin(target());
    const socket = dial(portOf(forwarding));
    socket.write('x');
    await once(socket, 'data');
    const broken = isOver(socket);
    stop.abort(new Error('Ctrl-C'));
    await expect(forwarding.ended).rejects.toThrow('Ctrl-C');
    await broken;
    const [error] = (await once(dial(portOf(forwarding)), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});

describe('forwards', () => {
  it('may be many, and fail together', async () => {
    const forwarding = await start([target(), target()], [target()]);
    expect(forwarding.forwards.map(({ direction }) => direction)).toEqual(['local', 'local', 'remote']);
    for (const [index] of forwarding.forwards.entries()) {
      expect(await echoed(dial(portOf(forwarding, index)), Buffer.from('x'))).toBe(true);
    }
    const error = new SidecarError('ssh.protocol', {}, { retryable: false });
    await sessions.transports[0]?.close(error);
    await expect(forwarding.ended).rejects.toBe(error);
  });

  it('on a port that is taken here are refused before any session is opened, and leave no port behind', async () => {
    const first = await unusedPort();
    await expect(start([`${first}:80`, `${port}:80`])).rejects.toMatchObject({
      code: 'forward.local_refused',
      facts: { listenPort: port, errno: 'EADDRINUSE' },
    });
    expect(sessions.transports).toEqual([]);
    const again = createServer().listen(first, '127.0.0.1');
    await once(again, 'listening');
    again.close();
  });

  it('on a port that is taken over there are refused at once', async () => {
    await expect(start([], [`${port}:80`])).rejects.toMatchObject({ code: 'forward.remote_refused' });
    await expect(sessions.transports[0]?.closed).resolves.toBeUndefined();
  });

  it('keep who connects while there is no session, and carry it over the next', async () => {
    sessions.hold();
    const local = await unusedPort();
    const starting = start([`${local}:127.0.0.1:${port}`]);
    const answer = echoed(await dialOnceUp(local), Buffer.from('early'));
    sessions.letGo();
    const forwarding = await starting;
    expect(await answer).toBe(true);

    sessions.hold();
    sessions.transports[0]?.cut();
    const later = echoed(dial(portOf(forwarding)), Buffer.from('meanwhile'));
    sessions.letGo();
    expect(await later).toBe(true);
  });

  it('break off who waits once there will be no session', async () => {
    const forwarding = await start([target()]);
    sessions.hold();
    sessions.transports[0]?.cut();
    const socket = dial(portOf(forwarding));
    const broken = once(socket, 'error');
    await once(socket, 'connect');
    stop.abort(new Error('Ctrl-C'));
    await expect(forwarding.ended).rejects.toThrow('Ctrl-C');
    expect(((await broken) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET');
  });

  it('ask again for a port over there that the last session still holds', async () => {
    const forwarding = await start([], [target()]);
    sessions.hold();
    sessions.transports[0]?.cut();
    const holder = createServer();
    do holder.listen(portOf(forwarding), '127.0.0.1');
    while (!(await happens(once(holder, 'listening'))));
    sessions.letGo();
    while (events.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([{ kind: 'forward.waiting', listen: `127.0.0.1:${portOf(forwarding)}` }]);
    holder.close();
    await clock.advance(2_000);
    while (!(await echoed(dial(portOf(forwarding)), Buffer.from('x')).catch(() => false)));
  });
});

describe('a machine that sleeps', () => {
  const fallAsleep = async (): Promise<void> => {
    sessions.isAsleep = true;
    sessions.transports[0]?.cut();
    await clock.advance(0);
  };

  it('is woken by the beginning of a forwarding', async () => {
    sessions.isAsleep = true;
    const forwarding = await start([target()]);
    expect(await echoed(dial(portOf(forwarding)), Buffer.from('x'))).toBe(true);
  });

  it('is left alone while nobody connects, which is said once, and woken by the next who does', async () => {
    const forwarding = await start([target()]);
    await fallAsleep();
    await clock.advance(60_000);
    expect(sessions.isAsleep).toBe(true);
    expect(sessions.asked).toEqual([undefined, false, false, false, false, false]);
    expect(events).toEqual([{ kind: 'forward.asleep', wakes: true }]);
    expect(await echoed(dial(portOf(forwarding)), Buffer.from('x'))).toBe(true);
    expect(sessions.asked.slice(6)).toEqual([true]);
    expect(clock.sleeping).toBe(0);
  });

  it('is woken at once for those who connect before it is known to sleep', async () => {
    const forwarding = await start([target()]);
    const open = dial(portOf(forwarding));
    open.write('x');
    await once(open, 'data');
    const broken = isOver(open);
    sessions.hold();
    await fallAsleep();
    await broken;
    const later = echoed(await dialOnceUp(portOf(forwarding)), Buffer.from('x'));
    sessions.letGo();
    expect(await later).toBe(true);
    expect(sessions.asked).toEqual([undefined, false, true]);
    expect(events).toEqual([]);
  });

  it('and that something else wakes is listened on again', async () => {
    const forwarding = await start([], [target()]);
    await fallAsleep();
    expect(events).toEqual([{ kind: 'forward.asleep', wakes: false }]);
    sessions.isAsleep = false;
    await clock.advance(15_000);
    expect(await echoed(dial(portOf(forwarding)), Buffer.from('x'))).toBe(true);
    expect(sessions.asked).toEqual([undefined, false, false]);
  });

  it('is waited for until the end of the forwarding, which is at once', async () => {
    const forwarding = await start([target()]);
    await fallAsleep();
    stop.abort(new Error('Ctrl-C'));
    await expect(forwarding.ended).rejects.toThrow('Ctrl-C');
    expect(clock.sleeping).toBe(0);
  });
});
