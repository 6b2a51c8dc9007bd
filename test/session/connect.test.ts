import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { SidecarEvent } from '../../src/events.js';
import { sshConnect } from '../../src/session/connect.js';
import { targetFor } from '../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { startSshServer } from '../fakes/ssh-server.js';
import { startProxy } from '../fakes/tcp-servers.js';

let directory: string;
let key: MadeKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-session-'));
  key = await makeKey(directory, 'id');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const timeoutMs = 20_000;

describe('sshConnect', () => {
  it('pins a host key seen for the first time, then tells of it', async () => {
    await using server = await startSshServer();
    const log: unknown[] = [];
    const pin = (line: string): Promise<void> => Promise.resolve(void log.push(line));
    const connect = sshConnect({ env: {}, pin, emit: (event) => log.push(event) });
    const transport = await connect(targetFor({ port: server.port, keys: [key.path] }), { timeoutMs });
    expect(log).toEqual([
      expect.stringMatching(/^ssh-ed25519 AAAA/),
      {
        kind: 'hostkey.pinned',
        host: 'dev-1',
        keyType: 'ssh-ed25519',
        fingerprint: expect.stringMatching(/^SHA256:/) as string,
        source: 'first-use',
      },
    ]);
    await transport.close();
  });

  it('pins and tells nothing when the key is pinned already', async () => {
    await using server = await startSshServer();
    const pins: string[] = [];
    const events: SidecarEvent[] = [];
    const pin = (line: string): Promise<void> => Promise.resolve(void pins.push(line));
    const connect = sshConnect({ env: {}, pin, emit: (event) => events.push(event) });
    const login = { port: server.port, keys: [key.path] };
    await (await connect(targetFor(login), { timeoutMs })).close();
    const [hostKeyLine = ''] = pins;
    await (await connect(targetFor({ ...login, hostKeyLine }), { timeoutMs })).close();
    expect(pins).toHaveLength(1);
    expect(events).toHaveLength(1);
  });

  it('opens no session whose key cannot be remembered', async () => {
    await using server = await startSshServer();
    await using proxy = await startProxy(server.port);
    const unwritable = new SidecarError('state.unwritable');
    const events: SidecarEvent[] = [];
    const connect = sshConnect({ env: {}, pin: () => Promise.reject(unwritable), emit: (event) => events.push(event) });
    await expect(connect(targetFor({ port: proxy.port, keys: [key.path] }), { timeoutMs })).rejects.toBe(unwritable);
    await proxy.idle();
    expect(events).toEqual([]);
  });

  it('asks once for a passphrase, however many attempts it takes', async () => {
    const locked = await makeKey(directory, 'id_locked', { passphrase: 'secret' });
    await using server = await startSshServer();
    await using proxy = await startProxy(server.port);
    let questions = 0;
    const askPassphrase = (): Promise<string> => {
      questions += 1;
      if (questions === 1) proxy.reset();
      return Promise.resolve('secret');
    };
    const connect = sshConnect({ env: {}, askPassphrase, pin: () => Promise.resolve(), emit: () => undefined });
    const target = targetFor({ port: proxy.port, keys: [locked.path] });
    await expect(connect(target, { timeoutMs })).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
    const transport = await connect(target, { timeoutMs });
    expect(questions).toBe(1);
    await transport.close();
  });
});
