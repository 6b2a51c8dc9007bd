import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { CommandLine, type Said } from '../fakes/command-line.js';
import { randomFrom } from '../fakes/random.js';
import type { Fault } from '../reference-server/faults.js';
import { startTeamServer, type TeamServer } from '../reference-server/team-server.js';

const faults: readonly [string, Fault][] = [
  ['answered with 503', { kind: 'status', status: 503 }],
  ['answered with 502 after it was carried out', { kind: 'status', status: 502, after: true }],
  ['reset before it was seen', { kind: 'reset' }],
  ['reset after it was carried out', { kind: 'reset', after: true }],
  ['answered by half', { kind: 'truncated', after: true }],
];

/** A member of a team, who types again what failed. Whatever page is shown to them is approved at once. */
class Member implements AsyncDisposable {
  readonly #user = new CommandLine();
  readonly #said: Said[] = [];
  readonly #approvals: Promise<void>[] = [];

  private constructor(
    readonly team: TeamServer,
    readonly directory: string,
  ) {
    Object.assign(this.#user.env, { SIDECAR_SERVER: team.url, SIDECAR_TOKEN_STORAGE: 'file' });
    team.gateway.before = ({ path: asked }) => (asked === '/token' ? Promise.all(this.#approvals) : Promise.resolve());
    void this.#approve();
  }

  static async start(): Promise<Member> {
    const directory = await mkdtemp(path.join(tmpdir(), 'sidecar-member-'));
    // Ended sooner than the minute before which it is renewed: each command renews.
    return new Member(
      await startTeamServer({ stateDir: path.join(directory, 'service'), accessSeconds: 30 }),
      directory,
    );
  }

  async #approve(): Promise<never> {
    for (;;) this.#approvals.push(this.team.login.approve(await this.team.login.nextPage()));
  }

  async type(...argv: string[]): Promise<Said & { readonly error: string | undefined }> {
    const said = await this.#user.type('-v', ...argv, '--json');
    this.#said.push(said);
    await this.#nothingIsLost();
    const { error } = lastDocument(said.stderr) as { error?: { code: string } };
    return { ...said, error: said.code === 0 ? undefined : error?.code };
  }

  /** Types it until it is done, and logs in again where it must. `undo` is what an error has the user do. */
  async done(argv: readonly string[], undo: Readonly<Record<string, () => Promise<unknown>>> = {}): Promise<void> {
    for (let time = 1; ; time += 1) {
      const { error, stderr } = await this.type(...argv);
      if (error === undefined) return;
      expect(time, stderr).toBeLessThan(100);
      if (error === 'login.required') await this.done(['login', '--no-browser']);
      await undo[error]?.();
    }
  }

  /** No machine is there that is not on the list, nor a second one. */
  async #nothingIsLost(): Promise<void> {
    const there = (await this.team.service.machines()).map(({ requestId }) => requestId);
    const records = await this.records();
    const known = records.flatMap(({ provider }) => (provider.kind === 'made' ? [provider.requestId] : []));
    expect(there.filter((each) => !known.includes(each))).toEqual([]);
    expect(there.length).toBeLessThanOrEqual(1);
  }

  records(): ReturnType<Registry['list']> {
    return new Registry(registryStore(this.#stateDir)).list();
  }

  get #stateDir(): string {
    return this.#user.env['SIDECAR_HOME'] ?? '';
  }

  /** In what was printed, or in files other than the one that holds the session. */
  tellsNoSecret(): void {
    const told = JSON.stringify(this.#said) + textOutsideOfTokens(this.#stateDir);
    const sent = this.team.login.asked.flatMap((form) => [form.get('refresh_token'), form.get('device_code')]);
    const shown = this.team.service.requests.map(({ authorization }) => authorization?.replace('Bearer ', ''));
    const secrets = [...sent, ...shown, ...this.team.login.revoked].filter((each) => (each ?? '') !== '');
    expect(secrets).not.toEqual([]);
    for (const secret of secrets) expect(told).not.toContain(secret);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.team[Symbol.asyncDispose]();
    this.#user[Symbol.dispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

const lastDocument = (text: string): unknown =>
  JSON.parse(text.split('\n').findLast((line) => line.startsWith('{')) ?? '{}');

function textOutsideOfTokens(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && path.basename(each.parentPath) !== 'tokens')
    .map((each) => readFileSync(path.join(each.parentPath, each.name), 'latin1'))
    .join('\n');
}

describe('a login, its renewal and the logout', () => {
  /** What they ask when all goes well. */
  const calls = [
    ...['GET /.well-known/openid-configuration', 'POST /device/auth', 'POST /token', 'POST /v1/keys'],
    ...['GET /.well-known/openid-configuration', 'POST /token', 'POST /v1/keys'],
    ...['GET /.well-known/openid-configuration', 'POST /token/revocation', 'POST /token/revocation'],
  ];
  async function goThrough(member: Member): Promise<void> {
    await member.done(['login', '--no-browser']);
    await member.done(['login', '--no-browser']);
    await member.done(['logout']);
    expect((await member.type('whoami')).error).toBe('login.required');
    member.tellsNoSecret();
  }

  it('ask no more than they need', async () => {
    await using member = await Member.start();
    await goThrough(member);
    expect(member.team.gateway.calls).toEqual(calls);
    expect(member.team.service.account('ada').keys.size).toBe(1);
  });

  describe.concurrent.each(calls.map((call, index) => ({ call, index })))('whose request $index, $call, is', (at) => {
    it.each(faults)('%s come to their end, and tell no secret', async (_, fault) => {
      await using member = await Member.start();
      member.team.gateway.fault = ({ index }) => (index === at.index ? fault : undefined);
      await goThrough(member);
    });
  });
});

describe.concurrent('a session from the login to the logout', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'with faults at random loses no machine, makes no second one and tells no secret (seed %d)',
    async (seed) => {
      await using member = await Member.start();
      const random = randomFrom(seed);
      const goesWrong = { login: 0.25, service: 0.35 };
      member.team.gateway.fault = ({ path: asked }) => {
        const fault = faults[Math.floor(random() * faults.length)]?.[1];
        return random() < goesWrong[asked.startsWith('/v1/') ? 'service' : 'login'] ? fault : undefined;
      };
      const remove = async (): Promise<void> => member.done(['delete', 'web']);
      const make = async (): Promise<void> =>
        member.done(['create', 'web', '--provider', 'api'], { 'sidecar.exists': remove });
      await member.done(['login', '--no-browser']);
      await make();
      await member.team.service.account('ada').standby('web');
      await member.done(['sync'], { 'provider.gone': remove, 'sidecar.none_selected': make, 'sidecar.unknown': make });
      await remove();
      expect(await member.records()).toEqual([]);
      expect(await member.team.service.machines()).toEqual([]);
      await member.done(['logout']);
      expect(member.team.service.deviations).toEqual([]);
      member.tellsNoSecret();
    },
  );
});
