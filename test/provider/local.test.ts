import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { localServerEntry } from '../../src/provider/local/entry.js';
import { systemClock } from '../../src/clock.js';
import { createMachine, type CreateRequest } from '../../src/provider/create.js';
import { localProvider, type LocalDeps } from '../../src/provider/local.js';
import type { Locator } from '../../src/provider/locator.js';
import { madeLocator } from '../../src/provider/made.js';
import { madeBy, type SidecarRecord } from '../../src/sidecars/record.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { machineContract } from '../contract/machine.js';
import { builtLibrary } from '../fakes/built-program.js';
import { logIn, run } from './local/ssh-client.js';

describe('a local sidecar', () => {
  let stateDir: string;
  let registry: Registry;
  let deps: LocalDeps;
  let locator: Locator;

  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-local-'));
    registry = new Registry(registryStore(stateDir));
    deps = { stateDir, env: process.env, serverEntry: localServerEntry() };
    locator = locatorFor(deps);
  });
  afterEach(async () => {
    const provider = localProvider(deps);
    for await (const machine of provider.list()) await provider.delete(machine); // whether or not it is registered
    await rm(stateDir, { recursive: true });
  });

  const locatorFor = (world: LocalDeps): Locator =>
    madeLocator({ provider: () => Promise.resolve(localProvider(world)), registry, stateDir });
  const createLocal = (request: CreateRequest, world = deps): Promise<SidecarRecord> =>
    createMachine(request, {
      ...{ provider: localProvider(world), registry, stateDir, clock: systemClock },
      emit: () => undefined,
    });

  const machine = (...path: string[]): string => join(stateDir, 'local', 'web', ...path);
  const server = async (): Promise<{ pid: number; port: number }> =>
    JSON.parse(await readFile(machine('server.json'), 'utf8')) as { pid: number; port: number };
  const create = (bootDelayMs = 0): Promise<SidecarRecord> => createLocal({ name: 'web', options: { bootDelayMs } });
  const serversAlive = async (): Promise<string[]> => {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-eo', 'pid=,args=']);
    return stdout.split('\n').filter((line) => line.endsWith(machine()) && !line.includes('<defunct>'));
  };
  const isGone = (pid: number): Promise<void> =>
    vi.waitFor(
      async () => expect((await serversAlive()).some((line) => line.trim().startsWith(String(pid)))).toBe(false),
      { timeout: 20_000 },
    );
  const kill = async (): Promise<void> => {
    const { pid } = await server();
    process.kill(pid, 'SIGKILL');
    await isGone(pid);
  };
  const refuses = async (port: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    try {
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      socket.destroy();
    }
  };
  /** What a process held goes a moment after its arguments, by which it is known. */
  const isFree = (port: number): Promise<void> => vi.waitFor(() => refuses(port), { timeout: 20_000 });
  /** The output of a command on the machine, over one connection attempt. */
  const on = async (record: SidecarRecord, command: string): Promise<string> => {
    const { port, user, identityFiles } = await locator.target(record);
    const privateKey = await readFile(identityFiles[0] ?? '');
    const client = await logIn({ port, username: user, privateKey });
    try {
      return (await run(client, command)).stdout;
    } finally {
      client.destroy();
    }
  };

  describe('as a provider', () => {
    machineContract(async () => ({ locator, record: await create(), crash: kill }));
  });

  describe('creating one', () => {
    it('registers it with its key pinned, and has it listen when it does not boot', async () => {
      const record = await createLocal({ name: 'web', workdir: '/srv/app' });
      expect(record).toMatchObject({ name: 'web', workdir: '/srv/app', provider: { kind: 'made', by: 'local' } });
      expect(record.hostKeys).toEqual([expect.stringMatching(/^ssh-ed25519 AAAA\S+$/)]);
      expect(await registry.get('web')).toEqual(record);
      expect(await on(record, 'pwd')).toBe(`${machine('home')}\n`);
    });

    it('keeps its files to the user alone', async () => {
      await create();
      const entries = await readdir(stateDir, { recursive: true });
      const modes = await Promise.all(entries.map(async (path) => (await lstat(join(stateDir, path))).mode & 0o177777));
      expect(new Set(modes)).toEqual(new Set([0o100600, 0o040700]));
    });

    it('tells a target that tries nothing but its own key', async () => {
      const record = await create();
      expect(await locator.target(record)).toEqual({
        alias: 'web',
        host: '127.0.0.1',
        port: (await server()).port,
        user: expect.any(String) as string,
        hostKeys: record.hostKeys,
        identityFiles: [join(stateDir, 'keys', madeBy(record).requestId)],
        identitiesOnly: true,
        knownHostsFiles: [],
      });
    });

    it('refuses a name that is taken, and leaves the one that has it alone', async () => {
      const record = await create();
      const { pid } = await server();
      await expect(create()).rejects.toMatchObject({ code: 'sidecar.exists' });
      expect(await locator.target(record)).toMatchObject({ hostKeys: record.hostKeys });
      expect((await server()).pid).toBe(pid);
    });

    it('lets one of two win who take the same name at once', async () => {
      const settled = await Promise.allSettled([create(), create()]);
      expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await serversAlive()).toHaveLength(1);
    });

    it('makes use of what a creation that was cut off has left', async () => {
      const first = await create();
      const { pid } = await server();
      await registry.remove('web');
      await rm(machine('machine.json')); // written last
      const second = await create();
      await isGone(pid);
      expect(second.hostKeys).not.toEqual(first.hostKeys);
      expect(await on(second, 'echo hello')).toBe('hello\n');
    });

    it('does not take the name of a machine that was forgotten, whose files are still there', async () => {
      const first = await create();
      await registry.remove('web');
      await expect(create()).rejects.toMatchObject({ code: 'sidecar.exists', facts: { directory: machine() } });
      expect(await registry.list()).toEqual([]);
      await registry.add(first);
      expect(await on(first, 'echo hello')).toBe('hello\n');
    });

    it('leaves nothing behind when the server cannot be started', async () => {
      const broken = {
        ...deps,
        serverEntry: { command: process.execPath, args: ['-e', 'throw new Error("no luck")'] },
      };
      const failed = createLocal({ name: 'web' }, broken);
      await expect(failed).rejects.toMatchObject({ code: 'provider.failed', retryable: false });
      const missing = { ...deps, serverEntry: { command: join(stateDir, 'missing'), args: [] } };
      await expect(createLocal({ name: 'web' }, missing)).rejects.toMatchObject({ code: 'provider.failed' });
      expect(await registry.list()).toEqual([]);
      expect(await readdir(join(stateDir, 'local'))).toEqual([]);
    });

    it.each(['../web', 'Web', ''])('refuses the name %j', async (name) => {
      await expect(createLocal({ name })).rejects.toMatchObject({ code: 'usage.invalid' });
    });

    it.each([-1, NaN, Infinity, 86_400_001])('refuses a boot of %d ms', async (bootDelayMs) => {
      await expect(create(bootDelayMs)).rejects.toMatchObject({ code: 'usage.invalid' });
    });
  });

  describe('booting', () => {
    it('refuses connections where it will listen, and nobody waits for it', async () => {
      const record = await create(3_600_000);
      const { port } = await locator.target(record);
      await refuses(port);
      expect(await locator.target(record)).toMatchObject({ port });
      expect(await serversAlive()).toHaveLength(1);
    });

    it('ends, and the machine is where it was said to be', async () => {
      const record = await create(1000);
      const { port } = await locator.target(record);
      await vi.waitFor(() => on(record, 'true'), { timeout: 20_000 });
      expect(await locator.target(record)).toMatchObject({ port });
    });

    it('can be cut short by deleting it', async () => {
      const record = await create(3_600_000);
      const { pid } = await server();
      await locator.delete(record);
      await isGone(pid);
    });
  });

  describe('starting it again', () => {
    it('keeps its port when it is still free', async () => {
      const record = await create();
      const { port } = await server();
      await kill();
      await isFree(port);
      expect((await locator.target(record)).port).toBe(port);
    });

    it('has another port when another program took its own meanwhile', async () => {
      const record = await create();
      const { port } = await server();
      await kill();
      await isFree(port);
      const taker = createServer().listen(port, '127.0.0.1');
      await once(taker, 'listening');
      try {
        expect((await locator.target(record)).port).not.toBe(port);
        expect(await on(record, 'echo hello')).toBe('hello\n');
      } finally {
        taker.close();
      }
    });

    it('starts one server for all who ask at once', async () => {
      const record = await create();
      await kill();
      const targets = await Promise.all(Array.from({ length: 5 }, () => locatorFor(deps).target(record)));
      expect(new Set(targets.map(({ port }) => port)).size).toBe(1);
      expect(await serversAlive()).toHaveLength(1);
    });

    it('does not take a stranger for its server, and does not touch it', async () => {
      const record = await create();
      await kill();
      const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      try {
        const state = { ...(await server()), pid: stranger.pid };
        await writeFile(machine('server.json'), JSON.stringify(state));
        expect(await on(record, 'echo hello')).toBe('hello\n');
        await writeFile(machine('server.json'), JSON.stringify(state));
        await locator.delete(record);
        expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
      } finally {
        await ended(stranger);
      }
    });

    it.each(['', '{', '{"pid": 1, "port": 22, "started": ""}', '{"pid": -1}'])(
      'does without a state file that says %j',
      async (text) => {
        const record = await create();
        await kill();
        await writeFile(machine('server.json'), text);
        expect(await on(record, 'echo hello')).toBe('hello\n');
      },
    );

    it('says so when its files are gone', async () => {
      const record = await create();
      await locator.delete(record);
      await expect(locator.target(record)).rejects.toMatchObject({
        code: 'provider.gone',
        facts: { name: 'web' },
      });
    });
  });

  describe('the server', () => {
    it('outlives the process, the process group and the terminal that started it', async () => {
      const script = `
        const [library, stateDir] = process.argv.slice(1);
        const { Sidecars } = await import(library);
        await new Sidecars({ env: { ...process.env, SIDECAR_HOME: stateDir } }).create({ name: 'web' });
      `;
      const args = ['--input-type=module', '-e', script, builtLibrary, stateDir];
      const starter = spawn(process.execPath, args, { detached: true, stdio: 'inherit' });
      expect(await once(starter, 'exit')).toEqual([0, null]);
      const { pid } = await server();
      process.kill(pid, 'SIGHUP');
      const record = await registry.get('web');
      expect(await on(record, 'echo hello')).toBe('hello\n');
      expect((await server()).pid).toBe(pid);
    });

    it('gives its commands nothing of the session that started it', async () => {
      const env = {
        ...process.env,
        GIT_DIR: '/x',
        SIDECAR_NAME: 'x',
        XDG_STATE_HOME: '/x',
        NODE_OPTIONS: '--no-warnings',
      };
      const record = await createLocal({ name: 'web' }, { ...deps, env });
      expect(await on(record, 'env')).not.toMatch(/GIT_DIR|SIDECAR_NAME|XDG_STATE_HOME|NODE_OPTIONS/);
    });
  });

  describe('deleting it', () => {
    it('ends the server and what it runs, and removes every file', async () => {
      const record = await create();
      const { pid } = await server();
      const { port, user, identityFiles } = await locator.target(record);
      const client = await logIn({ port, username: user, privateKey: await readFile(identityFiles[0] ?? '') });
      const lost = once(client, 'close');
      await locator.delete(record);
      await lost;
      await isGone(pid);
      expect(await readdir(join(stateDir, 'local'))).toEqual([]);
    });

    it('removes directories that forbid it, and follows no link', async () => {
      const record = await create();
      const outside = join(stateDir, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'file'), '');
      await mkdir(machine('home', 'module'));
      await writeFile(machine('home', 'module', 'file'), '');
      await symlink(outside, machine('home', 'module', 'link'));
      await chmod(machine('home', 'module'), 0o500);
      await locator.delete(record);
      expect(await readdir(join(stateDir, 'local'))).toEqual([]);
      expect(await readdir(outside)).toEqual(['file']);
    });
  });
});

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
