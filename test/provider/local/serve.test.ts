import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../src/provider/local/free-port.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { filesIn, type MachineFiles } from '../../../src/provider/local/machine.js';
import { serveLocal } from '../../../src/provider/local/serve.js';
import { fakeClock, type FakeClock } from '../../fakes/clock.js';

describe('serveLocal', () => {
  let files: MachineFiles;
  let clock: FakeClock;
  let end: AbortController;
  let started: ReturnType<typeof vi.fn<() => void>>;
  beforeEach(async () => {
    files = filesIn(await mkdtemp(join(tmpdir(), 'sidecar-serve-')));
    clock = fakeClock();
    end = new AbortController();
    started = vi.fn<() => void>();
    const { privateKey, publicKey } = await generateKeyPair();
    await mkdir(files.home);
    await writeFile(files.hostKey, privateKey);
    await writeFile(files.authorizedKeys, publicKey);
  });
  afterEach(async () => {
    end.abort();
    await rm(files.directory, { recursive: true, force: true });
  });

  /** Runs until the test, or the server itself, ends it. */
  const serve = async (bootMs = 0): Promise<{ readonly port: number; readonly ended: Promise<void> }> => {
    const port = await freePort();
    const bootsAt = new Date(Date.now() + bootMs).toISOString();
    await writeFile(files.setup, JSON.stringify({ requestId: '', hostKey: '', port, bootsAt }));
    const ended = serveLocal({ directory: files.directory, env: {}, clock, signal: end.signal, onStarted: started });
    await vi.waitFor(() => expect(clock.sleeping).toBe(1), { timeout: 20_000 });
    return { port, ended };
  };
  const state = async (): Promise<{ pid: number; port: number }> =>
    JSON.parse(await readFile(files.server, 'utf8')) as { pid: number; port: number };
  const listens = async (port: number): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1');
    const answer = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return answer;
  };

  it('says where it will listen, boots, and then listens there', async () => {
    const { port, ended } = await serve(60_000);
    expect(started).toHaveBeenCalled();
    expect(await state()).toMatchObject({ pid: process.pid, port });
    expect(await listens(port)).toBe(false);
    await clock.advance(60_000);
    await vi.waitFor(async () => expect(await listens(port)).toBe(true), { timeout: 20_000 });
    end.abort();
    await ended;
  });

  it('listens somewhere else, and says where, when another program took the port while it booted', async () => {
    const { port, ended } = await serve(60_000);
    const taker = createServer().listen(port, '127.0.0.1');
    await once(taker, 'listening');
    try {
      await clock.advance(60_000);
      await vi.waitFor(async () => expect((await state()).port).not.toBe(port), { timeout: 20_000 });
      expect(await listens((await state()).port)).toBe(true);
    } finally {
      taker.close();
    }
    end.abort();
    await ended;
  });

  it('has started only when it listens, where there is no boot to wait for', async () => {
    const { port, ended } = await serve();
    expect(started).toHaveBeenCalledOnce();
    expect(await listens(port)).toBe(true);
    end.abort();
    await ended;
    expect(await listens(port)).toBe(false);
  });

  it('ends at once when told so while it boots', async () => {
    const { ended } = await serve(60_000);
    end.abort();
    await ended;
    expect(clock.sleeping).toBe(0);
  });

  it('ends by itself when its directory is gone', async () => {
    const { port, ended } = await serve();
    await rm(files.directory, { recursive: true });
    await clock.advance(5000);
    await ended;
    expect(await listens(port)).toBe(false);
  });

  it('ends by itself, instead of listening, when its directory is gone after the boot', async () => {
    const { ended } = await serve(60_000);
    await rm(files.directory, { recursive: true });
    await clock.advance(60_000);
    await ended;
  });

  it('makes way for another server', async () => {
    const { ended } = await serve();
    await writeFile(files.server, JSON.stringify({ pid: 2, port: 22, started: new Date().toISOString() }));
    await clock.advance(5000);
    await ended;
  });

  it('goes on when it cannot make anything of its state file', async () => {
    const { port } = await serve();
    await writeFile(files.server, 'half a li');
    await clock.advance(5000);
    await vi.waitFor(() => expect(clock.sleeping).toBe(1), { timeout: 20_000 });
    expect(await listens(port)).toBe(true);
  });
});
