import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registryStore } from '../../../src/sidecars/registry-file.js';
import { Registry } from '../../../src/sidecars/registry.js';
import { CommandLine, type Said } from '../../fakes/command-line.js';
import type { Fault } from '../../reference-server/faults.js';
import { ReferenceServer } from '../../reference-server/server.js';

const token = 'secret-token-of-a-test';

const faults: readonly [string, Fault][] = [
  ['answered with 503', { kind: 'status', status: 503 }],
  ['answered with 500 after it was carried out', { kind: 'status', status: 500, after: true }],
  ['reset before it was seen', { kind: 'reset' }],
  ['reset after it was carried out', { kind: 'reset', after: true }],
  ['answered by half', { kind: 'truncated', after: true }],
];

/** What a session asks of its service when all goes well. */
const calls = [
  'POST /v1/keys',
  'POST /v1/sidecars',
  'GET /v1/sidecars/{id}',
  'POST /v1/sidecars/{id}/resume',
  'GET /v1/sidecars/{id}',
  'DELETE /v1/sidecars/{id}',
];

/** A user who makes a sidecar, wakes and syncs it, and deletes it, and types again what failed. */
class Session implements AsyncDisposable {
  readonly #user = new CommandLine();
  readonly #said: Said[] = [];
  /** The most machines that there were at once. */
  most = 0;

  private constructor(
    readonly server: ReferenceServer,
    readonly directory: string,
  ) {
    Object.assign(this.#user.env, { SIDECAR_TOKEN: token, SIDECAR_SERVER: server.url });
  }

  static async start(): Promise<Session> {
    const directory = await mkdtemp(join(tmpdir(), 'sidecar-session-'));
    const account = (each: string): Promise<string | undefined> => Promise.resolve(each === token ? 'dev' : undefined);
    return new Session(await ReferenceServer.start({ stateDir: join(directory, 'service'), account }), directory);
  }

  async run(): Promise<void> {
    await this.#untilDone('create', 'web', '--provider', 'api');
    await this.server.account().standby('web');
    await this.#untilDone('sync');
    await this.#untilDone('delete', 'web');
    expect(await this.server.machines()).toEqual([]);
    expect(await this.#listed()).toEqual([]);
    expect(this.server.deviations).toEqual([]);
    expect(this.most).toBe(1);
    expect(JSON.stringify(this.#said)).not.toContain(token);
  }

  async #untilDone(...argv: string[]): Promise<void> {
    for (let time = 0; ; time += 1) {
      const said = await this.#user.type('-v', ...argv);
      this.#said.push(said);
      await this.#nothingIsLost();
      // A creation that nobody knows the end of stays on the list.
      if (said.code === 0 || (argv[0] === 'create' && (await this.#listed()).length > 0)) return;
      expect(time, said.stderr).toBe(0);
    }
  }

  async #nothingIsLost(): Promise<void> {
    const there = (await this.server.machines()).map(({ requestId }) => requestId);
    this.most = Math.max(this.most, there.length);
    const known = await this.#listed();
    expect(there.filter((each) => !known.includes(each))).toEqual([]);
  }

  async #listed(): Promise<string[]> {
    const registry = new Registry(registryStore(this.#user.env['SIDECAR_HOME'] ?? ''));
    const records = await registry.list();
    return records.flatMap(({ provider }) => (provider.kind === 'made' ? [provider.requestId] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.#user[Symbol.dispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

describe('a whole session with a control plane', () => {
  it('asks no more than it needs', async () => {
    await using session = await Session.start();
    await session.run();
    expect(session.server.calls).toEqual(calls);
  });

  describe.concurrent.each(calls.map((call, index) => ({ call, index })))('whose request $index, $call, is', (at) => {
    it.each(faults)('%s loses no machine, makes no second one and tells no secret', async (_, fault) => {
      await using session = await Session.start();
      session.server.fault = ({ index }) => (index === at.index ? fault : undefined);
      await session.run();
    });
  });
});
