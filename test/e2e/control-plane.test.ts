import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import type { Said } from '../fakes/command-line.js';
import { ReferenceServer } from '../reference-server/server.js';

const token = 'secret-token-of-a-test';

let directory: string;
let server: ReferenceServer;
let user: BuiltProgram;
let said: Said[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-control-plane-'));
  await start();
  said = [];
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
  expect(server.deviations).toEqual([]);
  expect(JSON.stringify(said)).not.toContain(token);
});

async function start(endpoint: 'tcp' | 'websocket' = 'tcp'): Promise<void> {
  const account = (each: string): Promise<string | undefined> => Promise.resolve(each === token ? 'dev' : undefined);
  server = await ReferenceServer.start({ stateDir: join(directory, 'service'), endpoint, account });
  user = new BuiltProgram();
  Object.assign(user.env, { SIDECAR_TOKEN: token });
}

const type = async (...argv: string[]): Promise<Said> => {
  const answer = await user.type(...argv);
  said.push(answer);
  return answer;
};
const create = (...more: string[]): Promise<Said> =>
  type('create', 'web', '--provider', 'api', '--server', server.url, ...more);
const document = ({ stdout }: Said): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;
const failure = ({ stderr }: Said): Record<string, unknown> =>
  (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { error: Record<string, unknown> }).error;
const ways = (calls: readonly string[]): string[] => [...new Set(calls)];

describe('a sidecar of a control plane', () => {
  it('is made, synced, put to sleep, woken by the next command, and deleted', async () => {
    expect((await create()).stdout).toContain('created web');
    expect(document(await type('sync', '--json'))).toMatchObject({ verified: true, sidecar: 'web' });
    user.project.write('new.txt', 'new\n');
    await server.account().standby('web');
    server.pace = { bootReads: 2 };
    server.requests.length = 0;
    const woken = await type('sync');
    expect(woken).toMatchObject({ code: 0 });
    expect(woken.stderr.match(/starting/g)).toHaveLength(1);
    expect(server.calls.filter((call) => call.startsWith('POST'))).toEqual(['POST /v1/sidecars/{id}/resume']);
    for (const command of [
      ['exec', '--', 'cat', 'new.txt'],
      ['ssh', '--', 'echo', 'hello'],
    ]) {
      await server.account().standby('web');
      expect(await type(...command)).toMatchObject({ code: 0 });
    }
    expect(await type('delete', 'web')).toMatchObject({ code: 0 });
    expect(await server.machines()).toEqual([]);
    expect(JSON.parse((await type('list', '--json')).stdout)).toEqual([]);
  });

  it('is left asleep by a daemon whose session ended with its machine, and woken by the next command', async () => {
    await user[Symbol.asyncDispose]();
    user = new BuiltProgram({ daemon: true });
    Object.assign(user.env, { SIDECAR_TOKEN: token });
    await create('--sync');
    await user.restedDaemon();
    await server.account().standby('web');
    while ((await user.restedDaemon()).sessions[0]?.error?.code !== 'provider.stopped');
    expect(server.calls).not.toContain('POST /v1/sidecars/{id}/resume');
    user.project.write('new.txt', 'new\n');
    expect(await type('sync')).toMatchObject({ code: 0 });
    expect(server.calls).toContain('POST /v1/sidecars/{id}/resume');
    expect((await type('exec', '--', 'cat', 'new.txt')).stdout).toBe('new\n');
  });

  it('is reached by a WebSocket where its service says so', async () => {
    await user[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await start('websocket');
    expect((await create('--sync')).stdout).toContain('proved');
  });

  it('is asked for where it was made, whatever is configured then', async () => {
    await create();
    const config = join(user.env['SIDECAR_HOME'] ?? '', 'config.json');
    await writeFile(config, JSON.stringify({ server: 'https://elsewhere.invalid' }));
    expect(await type('sync')).toMatchObject({ code: 0 });
    expect(await type('delete', 'web')).toMatchObject({ code: 0 });
    expect(await server.machines()).toEqual([]);
  });

  it('is not asked for with a token that is for another server', async () => {
    await create();
    server.requests.length = 0;
    Object.assign(user.env, { SIDECAR_SERVER: 'https://elsewhere.invalid' });
    const refused = await type('sync', '--json');
    expect(failure(refused)).toMatchObject({ code: 'login.required', otherToken: 'https://elsewhere.invalid' });
    expect(String(failure(refused)['hint'])).toContain(`sidecar login --server ${server.url}`);
    expect(server.requests).toEqual([]);
    Object.assign(user.env, { SIDECAR_SERVER: `${server.url}/` });
    expect(await type('sync')).toMatchObject({ code: 0 });
  });

  it('is found by its server of SIDECAR_SERVER, and by no other plain one than on this machine', async () => {
    Object.assign(user.env, { SIDECAR_SERVER: server.url });
    expect(await type('create', 'web', '--provider', 'api')).toMatchObject({ code: 0 });
    const plain = await type('create', 'far', '--provider', 'api', '--server', 'http://control.example.com');
    expect(plain).toMatchObject({ code: 2 });
    expect(await type('create', 'odd', '--server', server.url)).toMatchObject({ code: 2 });
  });

  it('that was deleted there is gone at once', async () => {
    await create();
    const [machine] = await server.account().list();
    await server.account().delete(machine?.id ?? '');
    const sync = await type('sync', '--json');
    expect(failure(sync)).toMatchObject({ code: 'provider.gone' });
    expect(sync.code).toBe(1);
    expect(await type('delete', 'web')).toMatchObject({ code: 0 });
  });

  it('that a replica does not know yet is waited for', async () => {
    server.pace = { unknownReads: 1 };
    await create();
    expect(await type('sync')).toMatchObject({ code: 0 });
  });

  it('is not looked for at an address that is none of a control plane', async () => {
    await create();
    server.prefix = '/moved';
    const sync = await type('sync', '--json');
    expect(failure(sync)).toMatchObject({ code: 'provider.protocol', server: server.url.replace('/moved', '') });
    expect(String(failure(sync)['message'])).toContain('is this the right server?');
    server.prefix = '';
  });

  it('is waited for while a gateway stands before its service', async () => {
    await create();
    await server.account().standby('web');
    const from = server.requests.length;
    server.fault = ({ index }) => (index < from + 6 ? { kind: 'status', status: 503 } : undefined);
    const sync = await type('sync');
    expect(sync).toMatchObject({ code: 0 });
    expect(sync.stderr).toContain('503');
  });

  it('whose name is taken says so', async () => {
    await create();
    const other = new BuiltProgram();
    try {
      Object.assign(other.env, { SIDECAR_TOKEN: token });
      const taken = await other.type('create', 'web', '--provider', 'api', '--server', server.url, '--json');
      expect(failure(taken)).toMatchObject({ code: 'sidecar.exists' });
    } finally {
      await other[Symbol.asyncDispose]();
    }
    expect(await server.machines()).toHaveLength(1);
  });

  it('is not made with a token that is not good, which is told, and not the token', async () => {
    Object.assign(user.env, { SIDECAR_TOKEN: 'stale-token' });
    const refused = await create('--json', '-v');
    expect(failure(refused)).toMatchObject({ code: 'login.required' });
    expect(refused.stderr).not.toContain('stale-token');
    expect(ways(server.calls)).toEqual(['POST /v1/keys']);
  });
});
