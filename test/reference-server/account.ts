import { randomUUID } from 'node:crypto';
import type { components } from '../../src/control/openapi-types.js';
import { localServerEntry } from '../../src/provider/local/entry.js';
import { localProvider } from '../../src/provider/local.js';
import type { Machine, Provider } from '../../src/provider/provider.js';
import { generateKeyPair } from '../../src/transport/key-pair.js';

type Sidecar = components['schemas']['Sidecar'];

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly requestId: string;
  /** How many reads do not know it yet: those of a replica that lags. */
  unknownReads: number;
  /** How many deletions do not know it yet. */
  unknownDeletions: number;
  /** How many reads find it on its way. */
  bootReads: number;
  readonly onItsWay: 'creating' | 'starting';
}

/** How long things take, in reads, so that a test need not wait. */
export interface Pace {
  readonly unknownReads?: number;
  readonly unknownDeletions?: number;
  readonly bootReads?: number;
}

export interface AccountOptions {
  readonly stateDir: string;
  readonly pace: () => Pace;
  /** Where its SSH server is, as a client is told. */
  readonly endpointOf: (id: string, port: number) => NonNullable<Sidecar['ssh']>['endpoint'];
}

export type Made = { readonly kind: 'made' | 'repeated' | 'taken'; readonly sidecar: Sidecar };

/** The keys and sidecars of one user of the service. The machines are local sidecars in a directory of the service's. */
export class Account {
  readonly keys = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #gone = new Set<string>();
  readonly #options: AccountOptions;
  readonly #machines: Provider;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#machines = localProvider({
      ...{ stateDir: options.stateDir, env: process.env, serverEntry: localServerEntry() },
    });
  }

  /** One after the other, so that of two with one name, one comes first. */
  create(asked: { readonly name: string; readonly requestId: string }): Promise<Made> {
    const making = this.#turn.then(() => this.#create(asked));
    this.#turn = making.catch(() => undefined);
    return making;
  }

  async #create({ name, requestId }: { readonly name: string; readonly requestId: string }): Promise<Made> {
    const before = [...this.#entries.values()].find((each) => each.name === name || each.requestId === requestId);
    if (before !== undefined) {
      const kind = before.requestId === requestId ? 'repeated' : 'taken';
      return { kind, sidecar: await this.#view(before) };
    }
    const hostKey = await generateKeyPair();
    await this.#machines.create({ name, requestId, hostKey, authorizedKeys: [...this.keys], options: {} });
    const { unknownReads = 0, unknownDeletions = 0, bootReads = 0 } = this.#options.pace();
    const pace = { unknownReads, unknownDeletions, bootReads };
    const entry: Entry = { id: `sc-${randomUUID()}`, name, requestId, ...pace, onItsWay: 'creating' };
    this.#entries.set(entry.id, entry);
    return { kind: 'made', sidecar: await this.#view(entry) };
  }

  async list(): Promise<Sidecar[]> {
    const known = [...this.#entries.values()].filter((each) => isKnown(each));
    return Promise.all(known.map((each) => this.#view(each)));
  }

  async get(id: string): Promise<Sidecar | 'unknown' | 'gone'> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#gone.has(id) ? 'gone' : 'unknown';
    return isKnown(entry) ? this.#view(entry) : 'unknown';
  }

  async resume(id: string): Promise<'done' | 'unknown' | 'gone'> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#gone.has(id) ? 'gone' : 'unknown';
    if ((await this.#machine(entry))?.state !== 'stopped') return 'done';
    await this.#machines.start?.(entry);
    const { bootReads = 0 } = this.#options.pace();
    this.#entries.set(id, { ...entry, bootReads, onItsWay: 'starting' });
    return 'done';
  }

  async delete(id: string): Promise<'done' | 'unknown' | 'gone'> {
    await this.#turn;
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#gone.has(id) ? 'gone' : 'unknown';
    if (entry.unknownDeletions > 0) {
      entry.unknownDeletions -= 1;
      return 'unknown';
    }
    await this.#machines.delete(entry);
    this.#entries.delete(id);
    this.#gone.add(id);
    return 'done';
  }

  /** Puts one to sleep, as a service does that nobody has used for a while. */
  async standby(name: string): Promise<void> {
    const entry = [...this.#entries.values()].find((each) => each.name === name);
    if (entry === undefined) throw new Error(`there is no sidecar named ${name}`);
    await this.#machines.stop?.(entry);
  }

  /** Where the SSH server of one listens. */
  async portOf(id: string): Promise<number | undefined> {
    const entry = this.#entries.get(id);
    const endpoint = entry === undefined ? undefined : (await this.#machine(entry))?.ssh?.endpoint;
    return endpoint?.kind === 'tcp' ? endpoint.port : undefined;
  }

  /** What there is in truth. */
  async machines(): Promise<Machine[]> {
    await this.#turn;
    const found: Machine[] = [];
    for await (const machine of this.#machines.list()) found.push(machine);
    return found;
  }

  async stop(): Promise<void> {
    for (const machine of await this.machines()) await this.#machines.delete(machine);
  }

  #machine({ name, requestId }: Entry): Promise<Machine | undefined> {
    return this.#machines.describe({ name, requestId });
  }

  async #view(entry: Entry): Promise<Sidecar> {
    const { id, name, requestId, onItsWay } = entry;
    const about = { id, name, requestId };
    const machine = await this.#machine(entry);
    if (machine?.state === 'stopped') return { ...about, state: 'standby' };
    if (entry.bootReads > 0) {
      entry.bootReads -= 1;
      return { ...about, state: onItsWay };
    }
    if (machine?.ssh?.endpoint.kind !== 'tcp') return { ...about, state: 'failed', reason: 'its machine is lost' };
    const { user, hostKeys, endpoint } = machine.ssh;
    const ssh = { endpoint: this.#options.endpointOf(id, endpoint.port), user, hostKeys: [...hostKeys] };
    return { ...about, state: 'running', ssh };
  }
}

function isKnown(entry: Entry): boolean {
  if (entry.unknownReads === 0) return true;
  entry.unknownReads -= 1;
  return false;
}
