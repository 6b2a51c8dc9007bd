import { readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessTokens } from '../../../src/control/access-tokens.js';
import { controlKey } from '../../../src/control/control-key.js';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import { SidecarError } from '../../../src/errors.js';
import type { SidecarEvent } from '../../../src/events.js';
import { createMachine, type CreateRequest } from '../../../src/provider/create.js';
import { madeLocator } from '../../../src/provider/made.js';
import { madeBy, type SidecarRecord } from '../../../src/sidecars/record.js';
import type { Fault } from '../../reference-server/faults.js';
import { apiBed, fixedToken, type ApiBed } from './bed.js';
import { quickClock, type QuickClock } from './quick-clock.js';

let bed: ApiBed;
let clock: QuickClock;
let events: SidecarEvent[];
beforeEach(async () => {
  bed = await apiBed();
  clock = quickClock();
  events = [];
});
afterEach(async () => {
  expect(bed.server.deviations).toEqual([]);
  await bed[Symbol.asyncDispose]();
});

const create = (
  request: Partial<CreateRequest> = {},
  tokens?: AccessTokens,
  signal?: AbortSignal,
): Promise<SidecarRecord> => {
  const provider = bed.provider({ clock, ...(tokens === undefined ? {} : { tokens }) });
  const { registry, stateDir } = bed;
  const deps = { provider, registry, stateDir, clock, emit: (event: SidecarEvent) => events.push(event), signal };
  return createMachine({ name: 'web', ...request }, deps);
};
const calls = (call: string): string[] => bed.server.calls.filter((each) => each === call);
const creations = (): number => calls('POST /v1/sidecars').length;
const uncertain = (): boolean => events.some(({ kind }) => kind === 'provider.uncertain');

/** What goes wrong with one creation after the other, or with the registration of its key. */
function faults(list: readonly (Fault | undefined)[], path = '/v1/sidecars'): void {
  let at = 0;
  bed.server.fault = (heard) => (heard.method === 'POST' && heard.path === path ? list[at++] : undefined);
}
const status = (number: number, message = ''): Fault => ({
  ...{ kind: 'status', status: number },
  ...(message === '' ? {} : { body: JSON.stringify({ error: { code: 'odd', message } }) }),
});
const keys = (): Promise<string[]> => readdir(join(bed.stateDir, 'keys')).catch(() => []);
const leavesNothing = async (): Promise<void> => {
  expect(await bed.server.machines()).toEqual([]);
  expect(await bed.registry.list()).toEqual([]);
  expect((await keys()).filter((name) => !name.startsWith('control-'))).toEqual([]);
  expect(uncertain()).toBe(false);
};
const isTheOnlyOne = async (record: SidecarRecord): Promise<void> => {
  expect((await bed.server.machines()).map(({ requestId }) => requestId)).toEqual([madeBy(record).requestId]);
  expect(await bed.registry.list()).toEqual([record]);
};

describe('a creation by a control plane', () => {
  it('registers the key of this machine first, and then asks for it once', async () => {
    const record = await create({ image: 'debian', workdir: '/srv/app' });
    expect(bed.server.calls).toEqual(['POST /v1/keys', 'POST /v1/sidecars']);
    expect(bed.server.account().keys.size).toBe(1);
    expect(record).toMatchObject({ workdir: '/srv/app', provider: { by: 'api', place: { server: bed.server.url } } });
    await isTheOnlyOne(record);
  });

  it('has every machine let in the one key of this machine, which stays when they are deleted', async () => {
    const records = [await create(), await create({ name: 'other' })];
    expect(bed.server.account().keys).toEqual(new Set([(await controlKey(bed.stateDir, bed.server.url)).publicKey]));
    const { registry, stateDir } = bed;
    const locator = madeLocator({ provider: () => Promise.resolve(bed.provider()), registry, stateDir, clock });
    const { file } = await controlKey(stateDir, bed.server.url);
    for (const record of records) {
      expect(await locator.target(record)).toMatchObject({ identityFiles: [file] });
      await locator.delete(record);
    }
    expect(await keys()).toEqual([basename(file)]);
  });

  it('asks for nothing where that key cannot be read', async () => {
    const { file } = await controlKey(bed.stateDir, bed.server.url);
    await writeFile(file, 'something else');
    await expect(create()).rejects.toMatchObject({ code: 'state.corrupt' });
    expect(bed.server.calls).toEqual([]);
    expect(await bed.registry.list()).toEqual([]);
  });

  it('pins the host key that the service tells, before the first connection', async () => {
    const record = await create();
    const [machine] = await bed.server.machines();
    expect(record.hostKeys).toEqual(machine?.ssh?.hostKeys);
    expect(record.hostKeys).toHaveLength(1);
  });

  describe.each([201, 409] as const)('that is answered with %d when it is repeated', (repeated) => {
    beforeEach(() => (bed.server.repeated = repeated));

    it.each<[string, Fault[], number[]]>([
      ['503 once', [status(503)], [1_000]],
      ['500, 502 and 504', [status(500), status(502), status(504)], [1_000, 2_000, 4_000]],
      ['a reset before it was seen', [{ kind: 'reset' }], [1_000]],
      ['a lost answer', [{ kind: 'reset', after: true }], [1_000]],
      ['half an answer', [{ kind: 'truncated', after: true }], [1_000]],
      ['a 502 after it was made', [{ kind: 'status', status: 502, after: true }], [1_000]],
      [
        'answers that are lost three times',
        [1, 2, 3].map(() => ({ kind: 'reset', after: true })),
        [1_000, 2_000, 4_000],
      ],
      ['a 503 that asks for 3 s', [{ kind: 'status', status: 503, headers: { 'retry-after': '3' } }], [3_000]],
    ])('survives %s, and makes one machine', async (_, list, waits) => {
      faults(list);
      const record = await create();
      expect(clock.waits).toEqual(waits);
      expect(creations()).toBe(list.length + 1);
      expect(calls('POST /v1/keys')).toHaveLength(1);
      await isTheOnlyOne(record);
      expect(uncertain()).toBe(false);
    });
  });

  it('finds the machine when even the last answer was lost', async () => {
    faults([1, 2, 3, 4].map(() => ({ kind: 'reset', after: true })));
    await isTheOnlyOne(await create());
    expect(creations()).toBe(4);
  });

  it('that is cut off while the key is registered leaves nothing, and nothing is unsure', async () => {
    const stop = new AbortController();
    bed.server.fault = ({ path }) => {
      if (path !== '/v1/keys') return undefined;
      stop.abort(new Error('told to leave'));
      return { kind: 'hang' };
    };
    await expect(create({}, undefined, stop.signal)).rejects.toThrow('told to leave');
    expect(bed.server.calls).toEqual(['POST /v1/keys']);
    await leavesNothing();
  });

  it('does not renew a token more than once', async () => {
    faults([status(401)]);
    let renewals = 0;
    const cut: AccessTokens = {
      token: ({ refused } = {}) => {
        if (refused === undefined) return Promise.resolve('token');
        renewals += 1;
        const cause = new NoAnswer('cut', 'cut', { retryable: true });
        return Promise.reject(new SidecarError('server.unreachable', {}, { cause }));
      },
    };
    await expect(create({}, cut)).rejects.toMatchObject({ code: 'server.unreachable' });
    expect(renewals).toBe(1);
    expect(clock.waits).toEqual([]);
    await leavesNothing();
  });

  it('survives a service that refuses connections for a moment', async () => {
    const { port } = bed.server;
    let asked = 0;
    clock = quickClock({ onWait: () => bed.server.listen(port) });
    const closing: AccessTokens = {
      token: async () => {
        asked += 1;
        if (asked === 2) await bed.server.close(); // the key is registered
        return 'token';
      },
    };
    const record = await create({}, closing);
    expect(clock.waits).toEqual([1_000]);
    expect(bed.server.calls).toEqual(['POST /v1/keys', 'POST /v1/sidecars']);
    await isTheOnlyOne(record);
  });

  it('is given up after four attempts, with the last answer, and is on the list as long as nobody can know', async () => {
    faults([status(503, 'first'), status(500, 'second'), status(502, 'third'), status(503, 'the last')]);
    await expect(create()).rejects.toMatchObject({
      code: 'provider.unavailable',
      facts: { status: 503, reason: 'the last (503 Service Unavailable)', server: bed.server.url },
    });
    expect(creations()).toBe(4);
    expect(clock.waits).toEqual([1_000, 2_000, 4_000]);
    expect(await bed.server.machines()).toEqual([]);
    expect(uncertain()).toBe(true);
    expect(await bed.registry.list()).toHaveLength(1);
  });

  it('that nobody knows of is ended by deleting it, though it comes into being only later', async () => {
    bed.server.pace = { unknownReads: 3 };
    faults([1, 2, 3, 4].map(() => ({ kind: 'reset', after: true })));
    await expect(create()).rejects.toMatchObject({ code: 'provider.unavailable' });
    expect(uncertain()).toBe(true);
    expect(await bed.server.machines()).toHaveLength(1);
    const { registry, stateDir } = bed;
    const provider = (): Promise<ReturnType<ApiBed['provider']>> => Promise.resolve(bed.provider({ clock }));
    await madeLocator({ provider, registry, stateDir, clock }).delete(await registry.get('web'));
    expect(await bed.server.machines()).toEqual([]);
  });

  it('is ended, too, where the service does not know yet what is to be deleted', async () => {
    bed.server.pace = { unknownDeletions: 2 };
    const record = await create();
    const { registry, stateDir } = bed;
    const provider = bed.provider({ clock });
    const locator = madeLocator({ provider: () => Promise.resolve(provider), registry, stateDir, clock });
    await locator.delete(record, { emit: (event) => events.push(event) });
    expect(await bed.server.machines()).toEqual([]);
    expect(calls('DELETE /v1/sidecars/{id}')).toHaveLength(3);
    expect(clock.waits).toEqual([2_000, 2_000]);
    expect(events).toEqual([]);
  });

  it.each([400, 403, 404, 408, 413, 422, 425, 429])('fails at once at %d, and leaves nothing', async (number) => {
    faults([status(number, 'such are the rules')]);
    await expect(create()).rejects.toMatchObject({ facts: { status: number } });
    expect(creations()).toBe(1);
    expect(clock.waits).toEqual([]);
    await leavesNothing();
  });

  it('fails at once of an image that there is not, in the words of the service', async () => {
    await expect(create({ image: 'missing' })).rejects.toMatchObject({
      ...{ code: 'provider.failed', retryable: false },
      facts: { reason: 'there is no image named missing (422 Unprocessable Entity)' },
    });
    await leavesNothing();
  });

  it('refuses options, and asks for no machine', async () => {
    await expect(create({ options: { cpus: '4' } })).rejects.toMatchObject({ code: 'usage.invalid' });
    expect(creations()).toBe(0);
    await leavesNothing();
  });

  it.each<[string, Fault]>([
    ['503', status(503)],
    ['500', status(500)],
    ['403', status(403, 'no more keys')],
    ['429', status(429)],
    ['a reset', { kind: 'reset' }],
    ['a lost answer', { kind: 'reset', after: true }],
  ])('fails at once when its key is registered with %s, and asks for no machine', async (_, fault) => {
    faults([fault], '/v1/keys');
    await expect(create()).rejects.toMatchObject({ retryable: false, facts: { call: 'POST /v1/keys' } });
    expect(bed.server.calls).toEqual(['POST /v1/keys']);
    expect(clock.waits).toEqual([]);
    await leavesNothing();
  });

  it('is not repeated when there is no service at all', async () => {
    await bed.server.close();
    await expect(create()).rejects.toMatchObject({
      ...{ code: 'provider.unavailable', retryable: false },
      facts: { reason: 'the service cannot be asked: connection refused' },
    });
    expect(clock.waits).toEqual([]);
    expect(await bed.registry.list()).toEqual([]);
  });

  it('of a token that is not good fails at once', async () => {
    await expect(create({}, fixedToken('stale'))).rejects.toMatchObject({
      ...{ code: 'provider.unauthenticated', retryable: false },
      facts: { reason: 'the token … is not good (401 Unauthorized)' },
    });
    await leavesNothing();
  });

  it('of a name that another client has taken is refused, and leaves that machine alone', async () => {
    const first = await create();
    const other = await apiBed();
    try {
      const { registry, stateDir } = other;
      const deps = { provider: bed.provider(), registry, stateDir, clock, emit: () => undefined };
      await expect(createMachine({ name: 'web' }, deps)).rejects.toMatchObject({ code: 'sidecar.exists' });
      expect(await registry.list()).toEqual([]);
    } finally {
      await other[Symbol.asyncDispose]();
    }
    await isTheOnlyOne(first);
  });

  it('lets one of two clients win who take the same name at once', async () => {
    const other = await apiBed();
    try {
      const { registry, stateDir } = other;
      const deps = { provider: bed.provider(), registry, stateDir, clock, emit: () => undefined };
      const settled = await Promise.allSettled([create(), createMachine({ name: 'web' }, deps)]);
      expect(settled.map(({ status: each }) => each).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = settled.find((each) => each.status === 'rejected');
      expect(lost?.reason).toMatchObject({ code: 'sidecar.exists' });
      expect(await bed.server.machines()).toHaveLength(1);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});
