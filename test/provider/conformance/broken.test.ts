import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import type { BenchOptions } from '../../../src/provider/conformance/bench.js';
import { checks } from '../../../src/provider/conformance/checks.js';
import type { Remains } from '../../../src/provider/conformance/asked.js';
import { Conformance, runConformance } from '../../../src/provider/conformance/run.js';
import type { DeleteOptions, Machine, MachineRef, MachineSpec, Provider } from '../../../src/provider/provider.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { fakeClock, type FakeClock } from '../../fakes/clock.js';

// A library that is still being loaded is nothing that the clock of a test waits for.
beforeAll(() => generateKeyPair());

/** Machines that are only remembered: nobody can log in to them. */
class Memory implements Provider {
  readonly name: string = 'memory';
  readonly place = {};
  readonly machines: Machine[] = [];
  state: Machine['state'] = 'running';
  readonly start: Provider['start'] = undefined;
  readonly stop: Provider['stop'] = undefined;

  capabilities() {
    const cannot = { start: false, stop: false, authorizeKey: false, connect: false };
    return Promise.resolve({ idempotentCreate: true, readsLag: false, hostKey: 'unknown' as const, ...cannot });
  }
  create({ name, requestId, options }: MachineSpec): Promise<Machine> {
    if (Object.keys(options).length > 0) return Promise.reject(new SidecarError('usage.invalid', { reason: 'option' }));
    const there = this.machines.find((each) => each.name === name);
    if (there !== undefined && there.requestId !== requestId) return Promise.reject(new SidecarError('sidecar.exists'));
    return Promise.resolve(there ?? this.make(name, requestId));
  }
  make(name: string, requestId: string): Machine {
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
    const ssh = { endpoint, user: 'dev', hostKeys: [] };
    const made: Machine = { id: `m-${this.machines.length + 1}`, name, requestId, state: this.state, ssh };
    this.machines.push(made);
    return made;
  }
  describe({ name, requestId }: MachineRef): Promise<Machine | undefined> {
    return Promise.resolve(this.machines.find((each) => each.name === name && each.requestId === requestId));
  }
  // eslint-disable-next-line @typescript-eslint/require-await
  async *list(): AsyncGenerator<Machine> {
    yield* this.machines;
  }
  delete({ name, requestId }: MachineRef): Promise<void> {
    const at = this.machines.findIndex((each) => each.name === name && each.requestId === requestId);
    if (at >= 0) this.machines.splice(at, 1);
    return Promise.resolve();
  }
}

/** Its reads tell of a machine only some time after it was made. */
class Lagging extends Memory {
  readonly #clock: FakeClock;
  readonly #lagMs: number;
  readonly #known = new Set<Machine>();
  /** What becomes of a creation before all goes well. */
  cutOff: ((spec: MachineSpec) => Promise<Machine>) | undefined;

  constructor(clock: FakeClock, lagMs: number) {
    super();
    this.#clock = clock;
    this.#lagMs = lagMs;
  }
  override async capabilities() {
    return { ...(await super.capabilities()), readsLag: true };
  }
  override create(spec: MachineSpec): Promise<Machine> {
    return this.cutOff === undefined ? super.create(spec) : this.cutOff(spec);
  }
  override make(name: string, requestId: string): Machine {
    const made = super.make(name, requestId);
    void this.#clock.sleep(this.#lagMs).then(() => this.#known.add(made));
    return made;
  }
  override async describe(ref: MachineRef): Promise<Machine | undefined> {
    const found = await super.describe(ref);
    return found !== undefined && this.#known.has(found) ? found : undefined;
  }
  override async *list(): AsyncGenerator<Machine> {
    for await (const machine of super.list()) if (this.#known.has(machine)) yield machine;
  }
  override async delete(ref: MachineRef, { onUnknown }: DeleteOptions = {}): Promise<void> {
    if ((await this.describe(ref)) === undefined) onUnknown?.();
    else await super.delete(ref);
  }
}

const optionsFor = (provider: Provider, clock: FakeClock): BenchOptions => ({
  ...{ provider, clock, bootMs: 60_000 },
  logIn: () => Promise.reject(new SidecarError('ssh.unreachable', { reason: 'refused' }, { retryable: true })),
});

describe('the conformance suite', () => {
  const find = async (provider: Provider, id: string): Promise<string> => {
    const clock = fakeClock();
    const suite = new Conformance(optionsFor(provider, clock));
    const check = checks.find((each) => each.id === id);
    if (check === undefined) throw new Error(`there is no check ${id}`);
    const found = await clock.until(suite.run(check));
    return found.result === 'failed' ? found.error.message : found.result === 'skipped' ? found.reason : 'ok';
  };
  const broken = (what: Partial<Record<keyof Memory, unknown>>): Memory => Object.assign(new Memory(), what);

  it.each(
    ['capabilities', 'unknown-option', 'unknown-machine', 'create', 'create-again', 'create-conflict'].concat([
      ...['describe', 'describe-other', 'list', 'running', 'delete', 'delete-again', 'name-again', 'create-aborted'],
    ]),
  )('finds nothing wrong where there is nothing: %s', async (id) => {
    expect(await find(new Memory(), id)).toBe('ok');
  });

  it.each<[string, Partial<Record<keyof Memory, unknown>>, RegExp]>([
    ['capabilities', { stop: () => Promise.resolve() }, /cannot stop, and has a method for it/],
    [
      'unknown-option',
      {
        create: function (this: Memory, { name, requestId }: MachineSpec) {
          return Promise.resolve(this.make(name, requestId));
        },
      },
      /takes an option that there is not/,
    ],
    [
      'create-again',
      {
        create: function (this: Memory, { name, requestId }: MachineSpec) {
          return Promise.resolve(this.make(name, requestId));
        },
      },
      /made m-2 where m-1 was there/,
    ],
    [
      'create-conflict',
      {
        create: function (this: Memory, { name, requestId }: MachineSpec) {
          return Promise.resolve(this.machines.find((each) => each.name === name) ?? this.make(name, requestId));
        },
      },
      /second machine of one name/,
    ],
    [
      'describe-other',
      {
        describe: function (this: Memory, { name }: MachineRef) {
          return Promise.resolve(this.machines.find((each) => each.name === name));
        },
      },
      /describes one that another creation made/,
    ],
    [
      'describe-other',
      {
        delete: function (this: Memory, { name }: MachineRef) {
          const left = this.machines.filter((each) => each.name !== name);
          this.machines.splice(0, Infinity, ...left);
          return Promise.resolve();
        },
      },
      /deleted one that another creation made/,
    ],
    ['running', { state: 'starting' }, /after 60 s it is starting, not yet running/],
    ['running', { state: 'failed' }, /it is failed where it should be running/],
    ['login', {}, /nobody can log in after 60 s: ssh.unreachable: refused/],
    ['delete', { delete: () => Promise.resolve() }, /after it was deleted, describe says that it is running/],
    ['create', { create: () => Promise.reject(new Error('out of disks')) }, /^out of disks$/],
    ['create', { create: () => new Promise(() => undefined) }, /^it is not done after 300 s$/],
  ])('finds what is broken: %s, %#', async (id, what, found) => {
    expect(await find(broken(what), id)).toMatch(found);
  });

  it('skips what a provider cannot do, and what there is no machine for', async () => {
    const clock = fakeClock();
    const provider = broken({ create: () => Promise.reject(new Error('out of disks')) });
    const { results, leftBehind } = await clock.until(runConformance(optionsFor(provider, clock)));
    const of = (id: string) => results.find(({ check }) => check.id === id);
    expect(of('create')).toMatchObject({ result: 'failed', error: { message: 'out of disks' } });
    expect(of('list')).toMatchObject({ result: 'skipped', reason: 'there is no machine to try it on' });
    expect(of('stop')).toMatchObject({ result: 'skipped', reason: 'it cannot do that (stop)' });
    expect(leftBehind).toEqual([]);
  });

  it('ends all that it made, and names what it could not end', async () => {
    const clock = fakeClock();
    const tidy = new Memory();
    await clock.until(runConformance(optionsFor(tidy, clock)));
    expect(tidy.machines).toEqual([]);
    const stuck = broken({ delete: () => Promise.reject(new Error('busy')) });
    const { leftBehind } = await clock.until(runConformance(optionsFor(stuck, clock)));
    expect(leftBehind[0]).toMatch(/^conformance-[0-9a-f]{8}-1: busy$/);
  });

  it('ends all that it made when it is aborted', async () => {
    const abort = new AbortController();
    const provider = new Memory();
    const clock = fakeClock();
    const running = runConformance({
      ...{ ...optionsFor(provider, clock), signal: abort.signal },
      onCheck: ({ id }) => {
        if (id === 'list') abort.abort(new Error('Ctrl-C'));
      },
    });
    await expect(clock.until(running)).rejects.toThrow('Ctrl-C');
    expect(provider.machines).toEqual([]);
  });

  it('tells of what it could not end when it is aborted, and throws the reason all the same', async () => {
    const abort = new AbortController();
    const clock = fakeClock();
    const left: string[] = [];
    const running = runConformance({
      ...optionsFor(broken({ delete: () => Promise.reject(new Error('busy')) }), clock),
      signal: abort.signal,
      onCheck: ({ id }) => {
        if (id === 'list') abort.abort(new Error('Ctrl-C'));
      },
      onAborted: ({ leftBehind }) => left.push(...leftBehind),
    });
    await expect(clock.until(running)).rejects.toThrow('Ctrl-C');
    expect(left[0]).toMatch(/^conformance-[0-9a-f]{8}-1: busy$/);
  });

  describe('with a provider whose reads lag', () => {
    let clock: FakeClock;
    let abort: AbortController;
    beforeEach(() => {
      clock = fakeClock();
      abort = new AbortController();
    });
    const untilAborted = async (provider: Provider, at?: string): Promise<Remains | undefined> => {
      let left: Remains | undefined;
      const running = runConformance({
        ...{ ...optionsFor(provider, clock), signal: abort.signal },
        onCheck: ({ id }) => {
          if (id === at) abort.abort(new Error('Ctrl-C'));
        },
        onAborted: (remains) => (left = remains),
      });
      await expect(clock.until(running)).rejects.toThrow('Ctrl-C');
      return left;
    };
    const nothing = { leftBehind: [], perhapsLeftBehind: [] };

    it('ends what comes into being only after its creation was aborted', async () => {
      const provider = new Lagging(clock, 2_000);
      provider.cutOff = ({ name, requestId, options }) => {
        if (Object.keys(options).length > 0) return Promise.reject(new SidecarError('usage.invalid'));
        abort.abort(new Error('Ctrl-C'));
        void clock.sleep(10_000).then(() => provider.make(name, requestId));
        return Promise.reject(abort.signal.reason as Error);
      };
      expect(await untilAborted(provider)).toEqual(nothing);
      await clock.advance(60_000);
      expect(provider.machines).toEqual([]);
    });

    it('ends what was made and is not known yet', async () => {
      const provider = new Lagging(clock, 5_000);
      expect(await untilAborted(provider, 'create-again')).toEqual(nothing);
      expect(provider.machines).toEqual([]);
    });

    it('names what was made and never becomes known', async () => {
      const provider = new Lagging(clock, Infinity);
      expect(await untilAborted(provider, 'create-again')).toEqual({
        leftBehind: [expect.stringMatching(/^conformance-.*: it was made, and its provider does not know it$/)],
        perhapsLeftBehind: [],
      });
    });

    it('names a creation of which nothing becomes known as perhaps left behind, and waits for no other', async () => {
      const provider = new Lagging(clock, 0);
      provider.cutOff = ({ options }) => {
        if (Object.keys(options).length > 0) return Promise.reject(new SidecarError('usage.invalid'));
        abort.abort(new Error('Ctrl-C'));
        return Promise.reject(abort.signal.reason as Error);
      };
      expect(await untilAborted(provider)).toEqual({
        leftBehind: [],
        perhapsLeftBehind: [expect.stringMatching(/^conformance-[0-9a-f]{8}-3: nobody heard what came of its making/)],
      });
      expect(clock.now()).toBe(60_000);
    });
  });
});
