import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import type { Asked } from '../../../src/control/http/send.js';
import type { SidecarError } from '../../../src/errors.js';
import type { SidecarEvent } from '../../../src/events.js';
import { apiProvider } from '../../../src/provider/api.js';
import { madeLocator } from '../../../src/provider/made.js';
import type { Provider } from '../../../src/provider/provider.js';
import { openSession, type OpenSession } from '../../../src/session/open.js';
import type { SidecarRecord } from '../../../src/sidecars/record.js';
import { registryStore } from '../../../src/sidecars/registry-file.js';
import { Registry } from '../../../src/sidecars/registry.js';
import type { Transport } from '../../../src/transport/transport.js';
import { fakeClock, type FakeClock } from '../../fakes/clock.js';
import { sampleMade } from '../../sidecars/sample-record.js';
import { fixedToken } from './bed.js';

const server = 'https://control.example.com';
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDM2km7bjhTK37rcs4Zm5TEDyaBX9AlthvkZQcoxNg9N';
const ssh = { endpoint: { kind: 'tcp', host: '192.0.2.1', port: 22 }, user: 'dev', hostKeys: [hostKey] } as const;
const { requestId } = sampleMade;

type Outcome = Response | Error | 'hangs';
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
const being = (state: string): Response =>
  json(200, { id: 'sc-1', name: 'web', requestId, state, ...(state === 'running' ? { ssh } : {}) });
const busy = (): Response => new Response('<html>', { status: 503 });
const resumed = (): Response => new Response(null, { status: 202 });
const notFound = (): Response => json(404, { error: { code: 'not_found', message: 'there is none' } });

let stateDir: string;
let registry: Registry;
let clock: FakeClock;
let asked: string[];
let events: { readonly event: SidecarEvent; readonly atMs: number }[];
let record: SidecarRecord;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'sidecar-locate-'));
  registry = new Registry(registryStore(stateDir));
  clock = fakeClock();
  asked = [];
  events = [];
  record = {
    ...{ name: 'web', createdAt: new Date().toISOString(), hostKeys: [hostKey] },
    provider: { kind: 'made', by: 'api', requestId, id: 'sc-1', place: { server } },
  };
  await registry.add(record);
});
afterEach(() => rm(stateDir, { recursive: true }));

/** Opens a session to a sidecar whose service does as the script says; it ends on what stands last. */
function open(
  script: (call: string, at: number) => Outcome,
  { ageMs = 0 }: { readonly ageMs?: number } = {},
): Promise<OpenSession> {
  const send = async ({ method, url, limitMs = 30_000, signal }: Asked): Promise<Response> => {
    const call = `${method} ${url.slice(server.length)}`;
    const outcome = script(call, asked.push(call) - 1);
    if (outcome === 'hangs') {
      await clock.sleep(limitMs, signal);
      throw new NoAnswer('late', 'no answer in time', { retryable: true });
    }
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const provider = apiProvider({ server, tokens: fixedToken('token'), env: {}, clock, stateDir, send });
  const timeOfDay = (): number => Date.parse(record.createdAt) + ageMs + clock.now();
  return clock.until(
    openSession({
      ...{ record, clock, emit: (event) => events.push({ event, atMs: clock.now() }) },
      locator: madeLocator({ provider: () => Promise.resolve(provider), registry, stateDir, timeOfDay, clock }),
      connect: () => Promise.resolve({} as Transport),
    }),
  );
}

/** One outcome after the other, and from then on the last. */
const inTurn =
  (...outcomes: (() => Outcome)[]) =>
  (_call: string, at: number): Outcome =>
    (outcomes[at] ?? outcomes.at(-1) ?? busy)();

const resumptions = (): string[] => asked.filter((call) => call.startsWith('POST'));
const waits = (): number[] => events.filter(({ event }) => event.kind === 'connect.waiting').map(({ atMs }) => atMs);

describe('a sidecar of a control plane', () => {
  it('that runs is asked for once', async () => {
    await open(inTurn(() => being('running')));
    expect(asked).toEqual(['GET /v1/sidecars/sc-1']);
    expect(waits()).toEqual([]);
  });

  it('in standby is resumed once, and its boot waited for, which is told once', async () => {
    const states = ['standby', 'resume', 'starting', 'starting', 'starting', 'running'];
    const { attempts } = await open((_, at) => {
      const state = states[at] ?? 'running';
      return state === 'resume' ? resumed() : being(state);
    });
    expect(attempts).toBe(4);
    expect(asked.filter((call) => call.startsWith('POST'))).toEqual(['POST /v1/sidecars/sc-1/resume']);
    expect(waits()).toEqual([0]);
    expect(clock.now()).toBe(2_000 + 3_000 + 4_500);
  });

  it('is waited for when the service, asked right after it was resumed, still says standby', async () => {
    const outcomes = [() => being('standby'), resumed, () => being('standby'), () => being('running')];
    expect((await open(inTurn(...outcomes))).attempts).toBe(2);
  });

  it('is asked to resume once, however often the service still says standby', async () => {
    await open((call) => (call.startsWith('POST') ? resumed() : being(clock.now() < 20_000 ? 'standby' : 'running')));
    expect(resumptions()).toHaveLength(1);
    expect(waits()).toEqual([0]);
  });

  it('is asked again to resume after 30 s, where the first time came to nothing', async () => {
    const times: number[] = [];
    const opening = open((call) => {
      if (!call.startsWith('POST')) return being('standby');
      times.push(clock.now());
      return resumed();
    });
    await expect(opening).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(times).toHaveLength(3);
    for (const [at, ms] of times.entries())
      if (at > 0) expect(ms - (times[at - 1] ?? 0)).toBeGreaterThanOrEqual(30_000);
  });

  it('is not resumed again where a replica says standby that is behind one that said starting', async () => {
    const states = ['standby', 'resume', 'standby', 'starting', 'standby', 'starting', 'running'];
    await open((_, at) => {
      const state = states[at] ?? 'running';
      return state === 'resume' ? resumed() : being(state);
    });
    expect(resumptions()).toHaveLength(1);
    expect(clock.now()).toBeLessThan(30_000);
  });

  it('that is being resumed already (409) is waited for', async () => {
    const conflict = (): Response => json(409, { error: { code: 'conflict', message: 'it is being resumed' } });
    await open(
      inTurn(
        () => being('standby'),
        conflict,
        () => being('starting'),
        () => being('running'),
      ),
    );
    expect(resumptions()).toHaveLength(1);
  });

  it('that is gone when it is to be resumed (410) is gone at once', async () => {
    const isGone = (): Response => json(410, { error: { code: 'gone', message: 'deleted' } });
    await expect(
      open(
        inTurn(
          () => being('standby'),
          isGone,
          () => being('standby'),
        ),
      ),
    ).rejects.toMatchObject({
      code: 'provider.gone',
    });
    expect(asked).toHaveLength(2);
  });

  it('that is not known where it is to be resumed is asked for again', async () => {
    const outcomes = [() => being('standby'), notFound, () => being('standby'), resumed, () => being('running')];
    expect((await open(inTurn(...outcomes))).attempts).toBe(2);
  });

  it('is resumed by the next attempt when a gateway answered for the service', async () => {
    const lost = (): Error => new NoAnswer('cut', 'cut', { retryable: true });
    const outcomes = [() => being('standby'), busy, () => being('standby'), lost, () => being('standby'), resumed];
    expect((await open(inTurn(...outcomes, () => being('running')))).attempts).toBe(3);
    expect(waits()).toHaveLength(1);
  });

  it.each<[string, () => Outcome]>([
    ['503', busy],
    ['resets', () => new NoAnswer('cut', 'cut', { retryable: true })],
    ['refusals', () => new NoAnswer('not reached', 'connection refused', { retryable: true })],
  ])('is waited for through 30 s of %s, told after 1.4 s', async (_, outage) => {
    await open(() => (clock.now() < 30_000 ? outage() : being('running')));
    expect(waits()).toEqual([1_400]);
    expect(clock.now()).toBeLessThan(50_000);
  });

  it.each<[string, () => Outcome, number]>([
    ['503', busy, 1_400],
    ['silence', () => 'hangs', 10_000],
  ])('is given up after 90 s of %s, told after %d ms', async (_, outage, toldMs) => {
    const opening = open(outage);
    await expect(opening).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(waits()).toEqual([toldMs]);
    expect(clock.now()).toBeLessThanOrEqual(90_000);
  });

  it('is given up within 90 s where a start is never answered', async () => {
    const opening = open((call) => (call.startsWith('POST') ? 'hangs' : being('standby')));
    await expect(opening).rejects.toMatchObject({ code: 'ssh.unreachable' });
    expect(waits()[0]).toBeLessThanOrEqual(10_000);
    expect(clock.now()).toBeLessThanOrEqual(90_000);
  });

  it.each<[string, () => Outcome, string]>([
    ['410', () => json(410, { error: { code: 'gone', message: 'deleted' } }), 'provider.gone'],
    ['a 404 that is not of the service', () => new Response('<html>', { status: 404 }), 'provider.protocol'],
    ['401', () => json(401, { error: { code: 'no', message: 'who?' } }), 'provider.unauthenticated'],
    ['403', () => json(403, { error: { code: 'no', message: 'not you' } }), 'provider.failed'],
    ['500', () => json(500, { error: { code: 'bug', message: 'oops' } }), 'provider.unavailable'],
    ['what cannot be understood', () => json(200, {}), 'provider.protocol'],
    ['failed', () => being('failed'), 'provider.failed'],
    ['deleting', () => being('deleting'), 'provider.gone'],
  ])('of which the service says %s is not waited for', async (_, outcome, code) => {
    await expect(open(outcome)).rejects.toMatchObject({ code });
    expect(clock.now()).toBe(0);
  });

  it('that is not known is waited for as long as it is new, and then is gone', async () => {
    await open(inTurn(notFound, notFound, () => being('running')));
    expect(clock.now()).toBe(2_000 + 3_000);
    await expect(open(notFound, { ageMs: 60_000 })).rejects.toMatchObject({ code: 'provider.gone' });
    events = [];
    await expect(open(notFound, { ageMs: 30_000 })).rejects.toMatchObject({ code: 'provider.gone' });
    expect(waits()).toHaveLength(1);
  });
});

describe('what a control plane tells', () => {
  const running = { id: 'sc-1', name: 'web', requestId, state: 'running', ssh };
  const listing = (...sidecars: unknown[]): Provider => {
    const send = (): Promise<Response> => Promise.resolve(json(200, { sidecars }));
    return apiProvider({ server, tokens: fixedToken('token'), env: {}, clock, stateDir, send });
  };
  const ref = { name: 'web', requestId };

  it.each<[string, object, string | undefined]>([
    ['another', { requestId: 'another', name: 'web' }, undefined],
    ['the one that is looked for', { requestId, name: 7 }, 'provider.protocol'],
    ['one of its name whose request id cannot be read', { name: 'web' }, 'provider.protocol'],
  ])('is understood of a sidecar beside one that is not as agreed, unless that is %s', async (_, wrong, code) => {
    const describing = listing(wrong, running).describe(ref);
    if (code === undefined) expect(await describing).toMatchObject({ id: 'sc-1', state: 'running' });
    else await expect(describing).rejects.toMatchObject({ code });
  });

  it('is told without the token that it repeats, in a reason or in what should be a host key', async () => {
    const failed = { ...running, state: 'failed', reason: 'your token is token, and it is bad' };
    expect((await listing(failed).describe(ref))?.reason).toBe('your … is …, and it is bad');
    const wrong = { ...running, ssh: { ...ssh, hostKeys: ['Bearer token'] } };
    await expect(listing(wrong).describe(ref)).rejects.toMatchObject({
      facts: { reason: 'it gave a host key that is none: Bearer …' },
    });
  });

  it.each<[string, object, string, boolean | undefined]>([
    ['another machine has the name', { requestId: 'another' }, 'sidecar.exists', undefined],
    ['ours has another name', { name: 'other' }, 'provider.protocol', true],
  ])('of a creation that finds one made already (409) is taken at its word: %s', async (_, odd, code, maybeApplied) => {
    const taken = json(409, { error: { code: 'already_exists' }, sidecar: { ...running, ...odd } });
    const send = ({ url }: Asked): Promise<Response> =>
      Promise.resolve(url.endsWith('/keys') ? new Response(null, { status: 201 }) : taken);
    const provider = apiProvider({ server, tokens: fixedToken('token'), env: {}, clock, stateDir, send });
    const spec = { ...ref, hostKey: { privateKey: '', publicKey: '' }, authorizedKeys: [hostKey], options: {} };
    const error: unknown = await provider.create(spec).catch((each: unknown) => each);
    expect(error).toMatchObject({ code, retryable: false });
    expect((error as SidecarError).facts['maybeApplied']).toBe(maybeApplied);
  });

  it('is listed but for what is not as agreed', async () => {
    const odd = { ...running, requestId: 'odd', ssh: { ...ssh, hostKeys: ['no key'] } };
    const listed: string[] = [];
    for await (const machine of listing({ id: 7 }, odd, running).list()) listed.push(machine.requestId);
    expect(listed).toEqual([requestId]);
    await expect(listing(odd).describe({ name: 'web', requestId: 'odd' })).rejects.toMatchObject({
      code: 'provider.protocol',
    });
  });
});
