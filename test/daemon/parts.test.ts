import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareBuilds } from '../../src/daemon/build.js';
import { fromJson, toJson } from '../../src/daemon/errors-as-json.js';
import { openLog } from '../../src/daemon/log.js';
import { daemonPlace } from '../../src/daemon/place.js';
import { SidecarError } from '../../src/errors.js';

describe('two builds', () => {
  it('are compared by version, then by when they were built', () => {
    const build = (version: string, builtMs = 0) => ({ version, builtMs });
    expect(compareBuilds(build('1.10.0'), build('1.9.0', 5))).toBeGreaterThan(0);
    expect(compareBuilds(build('1.2.3'), build('2.0.0'))).toBeLessThan(0);
    expect(compareBuilds(build('1.2.3', 7), build('1.2.3', 5))).toBeGreaterThan(0);
    expect(compareBuilds(build('1.2.3', 5), build('1.2.3', 5))).toBe(0);
  });
});

describe('an error between two processes', () => {
  it('stays what it is, with its facts and causes, wherever it is', () => {
    const cause = new SidecarError(
      'ssh.unreachable',
      { attempts: 3, tried: ['a'] },
      { cause: new Error('ECONNRESET') },
    );
    const error = new SidecarError('sync.remote_failed', { reason: 'x' }, { cause, retryable: true });
    const { event } = fromJson(toJson({ event: { kind: 'connect.failed', error } })) as {
      event: { error: SidecarError };
    };
    expect(event.error).toBeInstanceOf(SidecarError);
    expect(event.error).toMatchObject({ code: 'sync.remote_failed', facts: { reason: 'x' }, retryable: true });
    expect(event.error.message).toBe(error.message);
    expect(event.error.stack).toBe(error.stack);
    expect(event.error.cause).toMatchObject({ code: 'ssh.unreachable', facts: { attempts: 3, tried: ['a'] } });
    expect((event.error.cause as Error).cause).toMatchObject({ message: 'ECONNRESET' });
  });
});

describe("the daemon's place", () => {
  const linux = { platform: 'linux', uid: 1000 } as const;

  it('is in the state directory', async () => {
    expect(await daemonPlace('/home/ada/.local/state/sidecar', linux)).toMatchObject({
      socketDirectory: '/home/ada/.local/state/sidecar/daemon',
      socket: '/home/ada/.local/state/sidecar/daemon/socket',
    });
  });

  it('is below /tmp where the path would be too long for a socket, another one for each user and state directory', async () => {
    const long = `/home/ada/${'x'.repeat(100)}`;
    const { socket, socketDirectory, log } = await daemonPlace(long, linux);
    expect(socket).toMatch(/^\/tmp\/sidecar-1000-[0-9a-f]{16}\/socket$/);
    expect(path.dirname(socket)).toBe(socketDirectory);
    expect(log).toBe(`${long}/daemon/log`);
    expect((await daemonPlace(`${long}y`, linux)).socket).not.toBe(socket);
  });

  it('is a named pipe on Windows', async () => {
    const { socket } = await daemonPlace('C:\\state', { platform: 'win32', uid: undefined });
    expect(socket).toMatch(/^\\\\\.\\pipe\\sidecar-/);
  });
});

describe("the daemon's log", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'sidecar-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is a line of JSON for each event, for its owner only', () => {
    const file = path.join(directory, 'log');
    openLog(file, () => new Date(0)).write('sync', { sidecar: 'web', ms: 212 });
    expect(readFileSync(file, 'utf8')).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","event":"sync","sidecar":"web","ms":212}\n',
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('does not grow without end: one old file is kept', () => {
    const file = path.join(directory, 'log');
    const log = openLog(file);
    const long = 'x'.repeat(100_000);
    for (let count = 0; count < 40; count += 1) log.write('sync', { count, long });
    expect(statSync(file).size).toBeLessThanOrEqual(1024 * 1024);
    expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(1024 * 1024);
    expect(readFileSync(file, 'utf8')).toContain('"count":39');
  });

  it('that cannot be written bothers nobody', () => {
    expect(() => openLog('/nowhere/log').write('sync')).not.toThrow();
  });
});
