import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askDaemon } from '../../src/daemon/client.js';
import type { Log } from '../../src/daemon/log.js';
import { daemonPlace, type DaemonPlace } from '../../src/daemon/place.js';
import { serveDaemon } from '../../src/daemon/serve.js';
import type { DaemonServer, Limits } from '../../src/daemon/server.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';

const build = { version: '1.0.0', builtMs: 0 };
const newer = { version: '1.1.0', builtMs: 0 };
const older = { version: '0.9.0', builtMs: 0 };

let stateDir: string;
let place: DaemonPlace;
let clock: FakeClock;
let logged: string[];
let servers: DaemonServer[];

beforeEach(async () => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'sidecar-daemon-'));
  place = await daemonPlace(stateDir, { platform: 'linux', uid: process.getuid?.() });
  clock = fakeClock();
  logged = [];
  servers = [];
});

afterEach(async () => {
  for (const server of servers) server.stop('the test is over');
  await Promise.all(servers.map((server) => server.ended()));
  rmSync(stateDir, { recursive: true, force: true });
});

const log: Log = { write: (event, facts) => logged.push(`${event} ${JSON.stringify(facts ?? {})}`) };

async function serve(
  options: { build?: typeof build; limits?: Partial<Limits> } = {},
): Promise<DaemonServer | undefined> {
  const server = await serveDaemon({ place, build, clock, log, timeOfDay: () => Date.now(), ...options });
  if (server !== undefined) servers.push(server);
  return server;
}

const ping = (by = build) => askDaemon({ command: 'ping' }, { place, build: by });
const isThere = { kind: 'result', result: null };
const without = (why: string) => ({ kind: 'without', why });

describe('a daemon', () => {
  it('answers at a socket that only its owner can reach', async () => {
    await serve();
    expect(await ping()).toEqual(isThere);
    expect(statSync(place.directory).mode & 0o777).toBe(0o700);
    expect(lstatSync(place.socket).isSocket()).toBe(true);
  });

  it('is not there where none was started, and where its socket was left behind', async () => {
    expect(await ping()).toEqual(without('absent'));
    await serve();
    servers[0]?.stop('for the test');
    await servers[0]?.ended();
    expect(existsSync(place.socket)).toBe(false);
    writeFileSync(place.socket, '');
    expect(await ping()).toEqual(without('absent'));
    await serve();
    expect(await ping()).toEqual(isThere);
  });

  it('is one: of several that start at once, one takes the place and the others end', async () => {
    const started = await Promise.all([serve(), serve(), serve()]);
    expect(started.filter((server) => server !== undefined)).toHaveLength(1);
    expect(await ping()).toEqual(isThere);
  });

  it('makes room for a newer one, which then takes the place', async () => {
    const old = await serve();
    expect(await ping(newer)).toEqual(without('older'));
    await old?.ended();
    const young = await serve({ build: newer });
    expect(young).toBeDefined();
    expect(await ping(newer)).toEqual(isThere);
    expect(await ping()).toEqual(without('newer'));
    expect(await serve()).toBeUndefined();
    expect(await serve({ build: older })).toBeUndefined();
    expect(await ping(newer)).toEqual(isThere);
  });

  it('tells any client how it is, of whatever build', async () => {
    await serve();
    const answer = await askDaemon({ command: 'status' }, { place, build: older });
    expect(answer).toMatchObject({ kind: 'result', result: { pid: process.pid, build, requests: 0, sessions: [] } });
  });

  it('ends when it is told to, and takes its socket away', async () => {
    const server = await serve();
    const told: string[] = [];
    const ended = server?.ended().then(() => told.push('it has ended'));
    expect(await askDaemon({ command: 'stop' }, { place, build })).toEqual(without('ended'));
    told.push('the client knows');
    await ended;
    expect(told).toEqual(['it has ended', 'the client knows']);
    expect(existsSync(place.socket)).toBe(false);
    expect(await ping()).toEqual(without('absent'));
  });

  it('ends once, whatever number of reasons there are', async () => {
    const server = await serve();
    server?.stop('one reason');
    server?.stop('another reason');
    await server?.ended();
    expect(logged.filter((line) => line.includes('reason'))).toEqual([expect.stringContaining('one reason')]);
  });

  it('ends when nobody has needed it for a while', async () => {
    const server = await serve({ limits: { idleMs: 60_000, lookMs: 10_000 } });
    await clock.advance(50_000);
    expect(await ping()).toEqual(isThere);
    await clock.advance(50_000);
    expect(await ping()).toEqual(isThere);
    await clock.advance(70_000);
    await server?.ended();
    expect(logged.at(-1)).toContain('nobody needs it');
  });

  it('ends when its place is gone, or is taken by another', async () => {
    const server = await serve({ limits: { lookMs: 10_000 } });
    rmSync(stateDir, { recursive: true });
    await clock.advance(10_000);
    await server?.ended();
    expect(logged.join()).toContain('its socket is gone');
  });

  it('leaves the socket of the one that took its place alone', async () => {
    const server = await serve({ limits: { lookMs: 10_000 } });
    rmSync(place.socket);
    const other = createServer().listen(place.socket);
    await once(other, 'listening');
    await clock.advance(10_000);
    await server?.ended();
    expect(existsSync(place.socket)).toBe(true);
    other.close();
  });

  it('hangs up on whoever talks nonsense, and answers the next', async () => {
    await serve();
    for (const nonsense of ['GET / HTTP/1.1\r\n\r\n', '{}\n', '{"build":1,"request":{"command":"ping"}}\n']) {
      const socket = connect(place.socket);
      socket.write(nonsense);
      await once(socket.resume(), 'close');
    }
    expect(await ping()).toEqual(isThere);
  });

  it('hangs up on whoever says nothing', async () => {
    await serve();
    const socket = connect(place.socket);
    await once(socket, 'connect');
    const closed = once(socket.resume(), 'close');
    await clock.until(closed);
    expect(clock.now()).toBe(10_000);
  });
});

describe('a client', () => {
  it('does not wait for a daemon that says nothing', async () => {
    await serve();
    servers[0]?.stop('for the test');
    await servers[0]?.ended();
    const silent = createServer().listen(place.socket);
    await once(silent, 'listening');
    expect(await ping()).toEqual(without('silent'));
    silent.close();
  });

  it('does not talk to a place that others can write to', async () => {
    await serve();
    chmodSync(place.directory, 0o777);
    expect(await ping()).toEqual(without('absent'));
    chmodSync(place.directory, 0o700);
  });
});
