import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import type { SidecarEvent } from '../../src/events.js';
import { isMadeSince } from '../../src/provider/age.js';
import { createMachine } from '../../src/provider/create.js';
import { madeLocator } from '../../src/provider/made.js';
import type {
  Capabilities,
  DeleteOptions,
  LoginKey,
  Machine,
  MachineSpec,
  Provider,
} from '../../src/provider/provider.js';
import { madeBy, type SidecarRecord } from '../../src/sidecars/record.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';
import { sampleMade } from '../sidecars/sample-record.js';

/** A provider that keeps its machines in memory, and fails as it is told. */
class ScriptedProvider implements Provider {
  readonly name = 'scripted';
  readonly place = { region: 'here' };
  readonly machines = new Map<string, Machine>();
  readonly calls: string[] = [];
  capable: Partial<Capabilities> = {};
  /** What becomes of each creation, one after the other; then all goes well. */
  creations: ((spec: MachineSpec, make: () => Machine) => Machine | Promise<Machine>)[] = [];
  /** What becomes of each deletion, in the same way. */
  deletions: ((onUnknown?: () => void) => Promise<void>)[] = [];
  described: (() => Promise<Machine | undefined>)[] = [];

  capabilities(): Promise<Capabilities> {
    return Promise.resolve({
      ...{ idempotentCreate: true, readsLag: false, hostKey: 'given', start: false, stop: false },
      ...{ authorizeKey: false, connect: false },
      ...this.capable,
    });
  }

  async create(spec: MachineSpec): Promise<Machine> {
    this.calls.push('create');
    const make = (): Machine => {
      const { name, requestId } = spec;
      const machine: Machine = this.machines.get(requestId) ?? {
        ...{ id: `id-${this.machines.size + 1}`, name, requestId, state: 'running' },
        ssh: { endpoint: { kind: 'tcp', host: '192.0.2.1', port: 22 }, user: 'dev', hostKeys: [told] },
      };
      this.machines.set(requestId, machine);
      return machine;
    };
    const next = this.creations.shift();
    return next === undefined ? make() : next(spec, make);
  }

  describe({ requestId }: { requestId: string }): Promise<Machine | undefined> {
    this.calls.push('describe');
    return (this.described.shift() ?? (() => Promise.resolve(this.machines.get(requestId))))();
  }

  async *list(): AsyncIterable<Machine> {
    yield* await Promise.resolve(this.machines.values());
  }

  delete({ requestId }: { requestId: string }, { onUnknown }: DeleteOptions = {}): Promise<void> {
    this.calls.push('delete');
    const next = this.deletions.shift();
    if (next !== undefined) return next(onUnknown);
    if (!this.machines.delete(requestId)) onUnknown?.();
    return Promise.resolve();
  }
}

const told = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDM2km7bjhTK37rcs4Zm5TEDyaBX9AlthvkZQcoxNg9N';
const fault = (facts = {}, retryable = true): SidecarError => new SidecarError('provider.failed', facts, { retryable });

let stateDir: string;
let registry: Registry;
let provider: ScriptedProvider;
let clock: FakeClock;
let events: SidecarEvent[];
let beganMs: number;
beforeEach(async () => {
  beganMs = Date.now();
  stateDir = await mkdtemp(join(tmpdir(), 'sidecar-create-'));
  registry = new Registry(registryStore(stateDir));
  provider = new ScriptedProvider();
  clock = fakeClock();
  events = [];
});
afterEach(() => rm(stateDir, { recursive: true }));

const create = (signal?: AbortSignal): Promise<SidecarRecord> =>
  clock.until(
    createMachine(
      { name: 'web' },
      { provider, registry, stateDir, clock, emit: (event) => events.push(event), signal, timeOfDay },
    ),
  );
/** It goes with the clock. */
const timeOfDay = (): number => beganMs + clock.now();
const uncertain = (): boolean => events.some(({ kind }) => kind === 'provider.uncertain');
const keys = (): Promise<string[]> => readdir(join(stateDir, 'keys'));
const locate = (now = timeOfDay): ReturnType<typeof madeLocator> =>
  madeLocator({ provider: () => Promise.resolve(provider), registry, stateDir, timeOfDay: now, clock });

describe('making a machine', () => {
  it('is on the list before its provider is asked for anything', async () => {
    provider.creations = [
      async (_spec, make) => {
        expect((await registry.get('web')).provider).toMatchObject({ by: 'scripted', place: { region: 'here' } });
        return make();
      },
    ];
    const record = await create();
    expect(madeBy(record).id).toBe('id-1');
    expect(await keys()).toEqual([madeBy(record).requestId]);
  });

  it('asks for it under one request id, however often', async () => {
    const asked: MachineSpec[] = [];
    const lose = (spec: MachineSpec): never => {
      asked.push(spec);
      throw fault({ maybeApplied: true });
    };
    provider.creations = [lose, lose, lose];
    await create();
    expect(new Set(asked.map(({ requestId }) => requestId)).size).toBe(1);
    expect(clock.now()).toBe(1_000 + 2_000 + 4_000);
    expect(provider.machines.size).toBe(1);
  });

  it('is given up after four attempts, and then leaves nothing', async () => {
    const lose = (): never => {
      throw fault({ maybeApplied: true, reason: 'gone again' });
    };
    provider.creations = [lose, lose, lose, lose];
    await expect(create()).rejects.toMatchObject({ code: 'provider.failed', facts: { reason: 'gone again' } });
    expect(await registry.list()).toEqual([]);
    expect(await keys()).toEqual([]);
    expect(uncertain()).toBe(false);
  });

  it('takes a machine that was made though its answer was lost, and makes no second one', async () => {
    provider.creations = [
      (_spec, make) => {
        make();
        throw fault({ maybeApplied: true });
      },
    ];
    expect(madeBy(await create()).id).toBe('id-1');
    expect(provider.calls).toEqual(['create', 'create']);
    expect(provider.machines.size).toBe(1);
  });

  it.each([
    [
      'once it was asked for four times',
      { idempotentCreate: true },
      ['create', 'create', 'create', 'create', 'describe'],
    ],
    ['at once of a provider that could make two', { idempotentCreate: false }, ['create', 'describe']],
  ])('whose answer was lost is looked for %s', async (_, capable, calls) => {
    provider.capable = capable;
    const lose = (_spec: MachineSpec, make: () => Machine): never => {
      make();
      throw fault({ maybeApplied: true });
    };
    provider.creations = [lose, lose, lose, lose];
    expect(madeBy(await create()).id).toBe('id-1');
    expect(provider.calls).toEqual(calls);
  });

  it('is not asked for twice of a provider that could make two', async () => {
    provider.capable = { idempotentCreate: false };
    provider.creations = [
      () => {
        throw fault({ maybeApplied: true });
      },
    ];
    await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
    expect(provider.calls).toEqual(['create', 'describe', 'describe']);
  });

  it('that was cut off is looked for once more, a second later', async () => {
    provider.capable = { idempotentCreate: false };
    let make = (): unknown => undefined;
    provider.creations = [
      (_spec, its) => {
        make = its;
        throw fault({ maybeApplied: true });
      },
    ];
    provider.described = [
      () => {
        make();
        return Promise.resolve(undefined);
      },
    ];
    expect(madeBy(await create()).id).toBe('id-1');
    expect(clock.now()).toBe(1_000);
  });

  it('that is refused for good fails at once, and leaves nothing', async () => {
    provider.creations = [
      () => {
        throw fault({ reason: 'no such image' }, false);
      },
    ];
    await expect(create()).rejects.toMatchObject({ facts: { reason: 'no such image' } });
    expect(provider.calls).toEqual(['create']);
    expect(await registry.list()).toEqual([]);
    expect(await keys()).toEqual([]);
  });

  it.each([
    ['nobody can be asked about', { readsLag: false, idempotentCreate: false }],
    ['its provider may not know yet', { readsLag: true, idempotentCreate: false }],
  ])('of which %s stays on the list, and can be deleted', async (_, capable) => {
    provider.capable = capable;
    let made: Machine | undefined;
    provider.creations = [
      (_spec, make) => {
        made = make();
        throw fault({ maybeApplied: true });
      },
    ];
    const look = (): Promise<undefined> =>
      capable.readsLag ? Promise.resolve(undefined) : Promise.reject(fault({ reason: 'down' }));
    provider.described = [look, look];
    await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
    expect(uncertain()).toBe(true);
    const record = await registry.get('web');
    expect(madeBy(record).requestId).toBe(made?.requestId);
    await clock.until(locate().delete(record));
    expect(provider.machines.size).toBe(0);
    expect(await keys()).toEqual([]);
  });

  it('that threw what nobody expected is looked for, too', async () => {
    provider.creations = [
      (_spec, make) => {
        make();
        throw new TypeError('oops');
      },
    ];
    expect(madeBy(await create()).id).toBe('id-1');
  });

  it('is finished by asking for it again, where it was found half made', async () => {
    provider.creations = [
      (_spec, make) => {
        provider.machines.set(make().requestId, { ...make(), state: 'creating' });
        throw fault({ maybeApplied: true });
      },
      ({ requestId }, make) => {
        provider.machines.delete(requestId);
        return make();
      },
    ];
    await create();
    expect(provider.calls).toEqual(['create', 'create']);
  });

  it('that failed for good is no sidecar, whatever is found of it; it can be deleted', async () => {
    provider.creations = [
      (_spec, make) => {
        make();
        throw fault({ maybeApplied: true, reason: 'no sshd' }, false);
      },
    ];
    await expect(create()).rejects.toMatchObject({ facts: { reason: 'no sshd' } });
    expect(uncertain()).toBe(true);
    expect((await registry.get('web')).hostKeys).toHaveLength(1);
  });

  it('that may have been made stays on the list, though a later attempt is refused for good', async () => {
    provider.capable = { readsLag: true };
    provider.creations = [
      () => {
        throw fault({ maybeApplied: true });
      },
      () => {
        throw fault({ reason: 'quota' }, false);
      },
    ];
    await expect(create()).rejects.toMatchObject({ facts: { reason: 'quota' } });
    expect(uncertain()).toBe(true);
    expect(await registry.list()).toHaveLength(1);
  });

  it('waits for as long as its provider wants to be left alone', async () => {
    provider.creations = [
      () => {
        throw fault({ maybeApplied: true, retryAfterMs: 20_000 });
      },
    ];
    await create();
    expect(clock.now()).toBe(20_000);
  });

  it('is asked for as often as ever where its provider wants to be left alone for longer than anybody waits', async () => {
    provider.creations = Array.from({ length: 3 }, () => () => {
      throw fault({ maybeApplied: true, retryAfterMs: 120_000 });
    });
    await create();
    expect(clock.sleeps).toEqual([1_000, 2_000, 4_000]);
  });

  it('of a sidecar that is deleted meanwhile ends with the machine deleted, too', async () => {
    provider.creations = [
      async (_spec, make) => {
        const record = await registry.get('web');
        await expect(locate().target(record)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
        await locate().delete(record);
        await registry.remove('web', record);
        await registry.add({ ...record, provider: { ...madeBy(record), requestId: sampleMade.requestId } });
        return make();
      },
    ];
    await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
    expect(provider.machines.size).toBe(0);
    expect(madeBy(await registry.get('web'))).toMatchObject({ requestId: sampleMade.requestId });
    expect(uncertain()).toBe(false);
  });

  describe('of a sidecar that is deleted meanwhile', () => {
    const forgotten = async (): Promise<void> => registry.remove('web', await registry.get('web'));
    const isBusy = (): Promise<never> => Promise.reject(fault({ reason: 'busy' }));
    const again: SidecarRecord = {
      ...{ name: 'web', createdAt: '2026-01-01T00:00:00.000Z', hostKeys: [] },
      provider: sampleMade,
    };

    it('and whose machine is not known yet to its provider is on the list again, because it is there', async () => {
      provider.capable = { readsLag: true };
      provider.creations = [
        async (_spec, make) => {
          await forgotten();
          return make();
        },
      ];
      const unknown = (onUnknown?: () => void): Promise<void> => {
        onUnknown?.();
        return Promise.resolve();
      };
      provider.deletions = [unknown, unknown];
      provider.described = Array.from({ length: 9 }, () => () => Promise.resolve(undefined));
      await expect(create()).rejects.toMatchObject({
        facts: { id: 'id-1', reason: expect.stringContaining('does not know it yet); it is on the list') as string },
      });
      expect(madeBy(await registry.get('web')).id).toBe('id-1');
    });

    it('and whose machine cannot be ended is on the list again, to be deleted', async () => {
      provider.creations = [
        async (_spec, make) => {
          await forgotten();
          return make();
        },
      ];
      provider.deletions = [isBusy];
      await expect(create()).rejects.toMatchObject({
        ...{ code: 'provider.failed', retryable: false },
        facts: { id: 'id-1', reason: expect.stringContaining('(busy); it is on the list again') as string },
      });
      expect(uncertain()).toBe(true);
      const record = await registry.get('web');
      expect(madeBy(record)).toMatchObject({ id: 'id-1', askedAt: expect.any(String) as string });
      await clock.until(locate().delete(record));
      expect(provider.machines.size).toBe(0);
    });

    it('and whose name is taken by then tells what to end, and where', async () => {
      provider.creations = [
        async (_spec, make) => {
          await forgotten();
          await registry.add(again);
          return make();
        },
      ];
      provider.deletions = [isBusy];
      await expect(create()).rejects.toMatchObject({
        code: 'provider.failed',
        facts: { id: 'id-1', suggestion: 'end the machine id-1 by hand (scripted, here)' },
      });
      expect(uncertain()).toBe(false);
      expect(await registry.list()).toEqual([again]);
      expect(events).toEqual([]);
    });

    it('and whose name is taken by then tells so by an event where it is interrupted', async () => {
      const interrupted = new AbortController();
      provider.creations = [
        async (_spec, make) => {
          await forgotten();
          await registry.add(again);
          interrupted.abort();
          return make();
        },
      ];
      provider.deletions = [isBusy];
      await expect(create(interrupted.signal)).rejects.toMatchObject({ code: 'provider.failed' });
      expect(events).toEqual([
        {
          ...{ kind: 'provider.left_behind', name: 'web', id: 'id-1', where: 'scripted, here' },
          ...{ requestId: expect.any(String) as string, reason: expect.stringContaining('(busy)') as string },
        },
      ]);
    });

    it('is not tried again, and what an earlier attempt made is ended', async () => {
      provider.creations = [
        async (_spec, make) => {
          make();
          await forgotten();
          throw fault({ maybeApplied: true });
        },
      ];
      await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
      expect(provider.calls).toEqual(['create', 'describe', 'delete']);
      expect(provider.machines.size).toBe(0);
      expect(await registry.list()).toEqual([]);
      expect(uncertain()).toBe(false);
    });

    it.each<[string, () => Promise<undefined>, number]>([
      ['may not be known yet, is looked for and ended', () => Promise.resolve(undefined), 0],
      ['cannot be asked about, is on the list again', () => Promise.reject(fault({ reason: 'down' })), 1],
    ])('and of which what there may be %s', async (_, look, left) => {
      provider.capable = { readsLag: true, idempotentCreate: false };
      provider.creations = [
        async (_spec, make) => {
          make();
          await forgotten();
          throw fault({ maybeApplied: true });
        },
      ];
      provider.described = [look, look];
      await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
      expect(provider.machines.size).toBe(left);
      expect(await registry.list()).toHaveLength(left);
      expect(uncertain()).toBe(left === 1);
    });
  });

  describe('told to stop', () => {
    const reason = new Error('Ctrl-C');
    let controller: AbortController;
    beforeEach(() => (controller = new AbortController()));

    it('leaves nothing where nothing was made', async () => {
      provider.creations = [
        () => {
          controller.abort(reason);
          throw reason;
        },
      ];
      await expect(create(controller.signal)).rejects.toBe(reason);
      expect(await registry.list()).toEqual([]);
      expect(uncertain()).toBe(false);
    });

    it('keeps on the list what was made by then', async () => {
      provider.creations = [
        (_spec, make) => {
          make();
          controller.abort(reason);
          throw reason;
        },
      ];
      await expect(create(controller.signal)).rejects.toBe(reason);
      expect((await registry.get('web')).provider.kind).toBe('made');
      expect(uncertain()).toBe(true);
    });
  });

  it('has a machine let in the key that its provider keeps, where it keeps one, and that key stays', async () => {
    const file = join(stateDir, 'key of the user');
    await writeFile(file, 'private');
    const loginKey: LoginKey = { file, letIn: () => Promise.resolve('ssh-ed25519 AAAA') };
    Object.assign(provider, { loginKey } satisfies Pick<Provider, 'loginKey'>);
    provider.creations = [
      ({ authorizedKeys }, make) => {
        expect(authorizedKeys).toEqual(['ssh-ed25519 AAAA']);
        return make();
      },
    ];
    const record = await create();
    expect(await locate().target(record)).toMatchObject({ identityFiles: [file] });
    await locate().delete(record);
    expect(await readdir(stateDir)).not.toContain('keys');
    expect(await readFile(file, 'utf8')).toBe('private');
  });

  it('pins the key that the machine was given, or the one that its provider tells', async () => {
    expect((await create()).hostKeys).toEqual([expect.stringMatching(/^ssh-ed25519 /)]);
    await registry.remove('web');
    provider.capable = { hostKey: 'told' };
    expect((await create()).hostKeys).toEqual([told]);
  });
});

describe('finding a machine that was made', () => {
  const change = (machine: Partial<Machine>): void => {
    for (const [id, each] of provider.machines) provider.machines.set(id, { ...each, ...machine });
  };

  it.each([
    ['creating', { code: 'ssh.unreachable', retryable: true }],
    ['starting', { code: 'ssh.unreachable', retryable: true }],
    ['failed', { code: 'provider.failed', retryable: false }],
    ['stopped', { code: 'provider.failed', retryable: false }],
    ['deleting', { code: 'provider.gone', retryable: false }],
  ] as const)('that is %s says so, and whether to wait', async (state, error) => {
    const record = await create();
    change({ state });
    await expect(locate().target(record)).rejects.toMatchObject(error);
  });

  it('waits for one that runs and is nowhere yet', async () => {
    const record = await create();
    change({ ssh: undefined });
    await expect(locate().target(record)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
  });

  it('starts one that was stopped', async () => {
    const record = await create();
    change({ state: 'stopped' });
    const starting: Provider = Object.assign(provider, {
      start: () => {
        change({ state: 'running' });
        return Promise.resolve();
      },
    });
    expect(starting.start).toBeDefined();
    expect(await locate().target(record)).toMatchObject({ host: '192.0.2.1', port: 22, user: 'dev' });
  });

  it('tells one that is gone from one that its provider may not know yet', async () => {
    const record = await create();
    provider.machines.clear();
    await expect(locate().target(record)).rejects.toMatchObject({ code: 'provider.gone', retryable: false });
    provider.capable = { readsLag: true };
    await expect(locate().target(record)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
    const later = locate(() => timeOfDay() + 61_000);
    await expect(later.target(record)).rejects.toMatchObject({ code: 'provider.gone' });
  });

  describe('whose making took longer than a machine is new', () => {
    const slowly = (): never => {
      throw fault({ maybeApplied: true, retryAfterMs: 40_000 });
    };
    beforeEach(() => (provider.capable = { readsLag: true }));

    it('waits for it all the same, as long as its provider may not know it yet', async () => {
      provider.creations = [slowly, slowly];
      const record = await create();
      expect(clock.now()).toBe(80_000);
      provider.machines.clear();
      await expect(locate().target(record)).rejects.toMatchObject({ code: 'ssh.unreachable', retryable: true });
      const later = locate(() => timeOfDay() + 61_000);
      await expect(later.target(record)).rejects.toMatchObject({ code: 'provider.gone' });
    });

    it('and of which nobody knows the end, is looked for when it is deleted', async () => {
      provider.creations = [
        slowly,
        slowly,
        (_spec, make) => {
          make();
          throw fault({ maybeApplied: true }, false);
        },
      ];
      provider.described = [1, 2, 3, 4].map(() => () => Promise.resolve(undefined));
      await expect(create()).rejects.toMatchObject({ code: 'provider.failed' });
      provider.calls.length = 0;
      await clock.until(locate().delete(await registry.get('web')));
      expect(provider.calls).toEqual(['describe', 'describe', 'describe', 'describe', 'delete']);
    });

    it('is new from the last attempt on, also while that is under way', async () => {
      const asked = async (_spec: MachineSpec, make: () => Machine): Promise<Machine> => {
        expect(madeBy(await registry.get('web')).askedAt).toBe(new Date(timeOfDay()).toISOString());
        return make();
      };
      provider.creations = [slowly, slowly, asked];
      await create();
    });
  });

  it('keeps the keys that its provider tells only later, and no others after that', async () => {
    provider.capable = { hostKey: 'told' };
    provider.creations = [(_spec, make) => ({ ...make(), ssh: undefined })];
    const record = await create();
    expect(record.hostKeys).toEqual([]);
    expect(await locate().target(record)).toMatchObject({ hostKeys: [told] });
    const pinned = await registry.get('web');
    expect(pinned.hostKeys).toEqual([told]);
    const endpoint = { kind: 'tcp', host: '192.0.2.1', port: 22 } as const;
    change({ ssh: { endpoint, user: 'dev', hostKeys: ['ssh-ed25519 other'] } });
    expect(await locate().target(pinned)).toMatchObject({ hostKeys: [told] });
  });
});

describe('deleting a machine that was made', () => {
  const end = async (now = timeOfDay): Promise<SidecarEvent[]> => {
    const told: SidecarEvent[] = [];
    await clock.until(locate(now).delete(await registry.get('web'), { emit: (event) => told.push(event) }));
    return told;
  };
  const unknown = (onUnknown?: () => void): Promise<void> => {
    onUnknown?.();
    return Promise.resolve();
  };
  beforeEach(async () => {
    provider.capable = { readsLag: true };
    await create();
    provider.calls.length = 0;
  });

  it('that its provider does not know yet waits for it', async () => {
    provider.deletions = [unknown, unknown];
    provider.described = [() => Promise.resolve(undefined)];
    expect(await end()).toEqual([]);
    expect(provider.calls).toEqual(['delete', 'describe', 'describe', 'delete', 'describe', 'delete']);
    expect(provider.machines.size).toBe(0);
    expect(clock.now()).toBe(6_000);
  });

  it('that is not known until it should be tells that this is unsure', async () => {
    provider.machines.clear();
    expect(await end()).toEqual([{ kind: 'provider.unknown', name: 'web' }]);
    expect(clock.now()).toBe(10_000);
    expect(provider.calls.filter((call) => call === 'delete')).toHaveLength(2);
  });

  it.each<[string, Partial<Capabilities>, number]>([
    ['is not new any more', { readsLag: true }, 60_000],
    ['its provider would know', { readsLag: false }, 0],
  ])('that %s waits for nothing where it is not known', async (_, capable, ageMs) => {
    provider.capable = capable;
    provider.machines.clear();
    expect(await end(() => timeOfDay() + ageMs)).toEqual([]);
    expect(provider.calls).toEqual(['delete']);
  });

  it('by the id that another process hears of meanwhile ends it, and not a record that has changed since', async () => {
    const { id = '' } = madeBy(await registry.get('web'));
    const change = (withId: boolean) => (record: SidecarRecord) => {
      const { kind, by, requestId, place } = madeBy(record);
      return { ...record, provider: { kind, by, requestId, place, ...(withId ? { id } : {}) } };
    };
    await registry.update('web', change(false));
    const before = await registry.get('web');
    provider.described = [
      () => Promise.resolve(undefined),
      async () => {
        await registry.update('web', change(true));
        return undefined;
      },
    ];
    const ended = await clock.until(locate().delete(before));
    expect(madeBy(ended).id).toBe(id);
    expect(provider.calls).toEqual(['describe', 'describe', 'delete']);
    expect(isMadeSince(before, await registry.get('web'))).toBe(true);
    await registry.remove('web', before, (now) => isMadeSince(before, now));
    expect(await registry.list()).toHaveLength(1);
    await registry.remove('web', before, (now) => isMadeSince(ended, now));
    expect(await registry.list()).toEqual([]);
  });

  it('that is told of in a way that was not agreed ends it', async () => {
    provider.deletions = [unknown];
    provider.described = [() => Promise.reject(new SidecarError('provider.protocol', {}, { retryable: false }))];
    expect(await end()).toEqual([]);
    expect(provider.calls).toEqual(['delete', 'describe', 'delete']);
  });

  it('that is known to be gone is done', async () => {
    provider.deletions = [unknown];
    provider.described = [() => Promise.reject(new SidecarError('provider.gone', { name: 'web' }))];
    expect(await end()).toEqual([]);
    expect(provider.calls).toEqual(['delete', 'describe']);
  });
});
