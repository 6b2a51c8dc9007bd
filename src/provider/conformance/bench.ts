import { randomBytes, randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { RetriesExhausted, retry } from '../../retry/retry.js';
import { generateKeyPair, type KeyPair } from '../../transport/key-pair.js';
import type { Connected } from '../../transport/ssh2/connect.js';
import type { Transport } from '../../transport/transport.js';
import type {
  Capabilities,
  Machine,
  MachineRef,
  MachineSpec,
  MachineSsh,
  Provider,
  ProviderOptions,
} from '../provider.js';
import { Asked, type Remains } from './asked.js';
import { Broken, must, Skipped } from './check.js';
import type { LogIn } from './login.js';

export interface BenchOptions {
  readonly provider: Provider;
  readonly image?: string | undefined;
  readonly options?: ProviderOptions;
  readonly clock: Clock;
  readonly logIn: LogIn;
  /** How long a machine may take to boot, stop or start, in milliseconds. */
  readonly bootMs: number;
}

/** The machine that most checks are about. */
export interface Subject {
  readonly spec: MachineSpec;
  readonly created: Machine;
}

/** What checks work with: a provider, one machine that is made when the first of them needs it, and ways to look at it. */
export class Bench {
  readonly provider: Provider;
  readonly clock: Clock;
  /** Who may log in from the beginning, and who may not. */
  readonly keys: Promise<{ readonly authorized: KeyPair; readonly other: KeyPair }>;
  /** Of the check that runs. */
  signal: AbortSignal = new AbortController().signal;
  readonly #options: BenchOptions;
  readonly #prefix = `conformance-${randomBytes(4).toString('hex')}`;
  readonly #asked: Asked;
  #first: Promise<Subject> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.provider = options.provider;
    this.#asked = new Asked(options);
    this.clock = options.clock;
    this.keys = Promise.all([generateKeyPair(), generateKeyPair()]).then(([authorized, other]) => ({
      authorized,
      other,
    }));
  }

  capabilities(): Promise<Capabilities> {
    return this.provider.capabilities({ signal: this.signal });
  }

  /** A machine to be made, under a name that nobody has. What comes of it is deleted in the end. */
  async spec(more: Partial<MachineSpec> = {}): Promise<MachineSpec> {
    const [hostKey, { authorized }] = await Promise.all([generateKeyPair(), this.keys]);
    const spec: MachineSpec = {
      ...{
        name: `${this.#prefix}-${this.#asked.size + 1}`,
        requestId: randomUUID(),
        image: this.#options.image,
        hostKey,
      },
      ...{ authorizedKeys: [authorized.publicKey], options: this.#options.options ?? {} },
      ...more,
    };
    this.#asked.add(spec);
    return spec;
  }

  create(spec: MachineSpec, signal = this.signal): Promise<Machine> {
    return this.#asked.create(spec, signal);
  }

  async describe({ name, requestId, id }: MachineRef): Promise<Machine | undefined> {
    const ref = { name, requestId, ...(id === undefined ? {} : { id }) };
    try {
      return await this.provider.describe(ref, { signal: this.signal });
    } catch (error) {
      if (error instanceof SidecarError && error.code === 'provider.gone') return undefined;
      throw error;
    }
  }

  /** All of that name that are listed, and are not on their way out. */
  async listed(name: string): Promise<Machine[]> {
    const found: Machine[] = [];
    for await (const machine of this.provider.list({ signal: this.signal })) {
      if (machine.name === name && machine.state !== 'deleting') found.push(machine);
    }
    return found;
  }

  /** The machine that most checks share. Whoever comes after the first one that could not have it is skipped. */
  async first(): Promise<Subject> {
    const isFirst = this.#first === undefined;
    this.#first ??= this.#makeFirst();
    try {
      return await this.#first;
    } catch (error) {
      throw isFirst ? error : new Skipped('there is no machine to try it on');
    }
  }

  /** The same, once it runs and its SSH server answers. */
  async running(): Promise<Subject> {
    const subject = await this.first();
    const isFirst = this.#running === undefined;
    this.#running ??= this.waitForLogin(subject.spec);
    try {
      await this.#running;
    } catch (error) {
      throw isFirst ? error : new Skipped('there is no machine that can be logged in to');
    }
    return subject;
  }

  /** Asks until it is in that state. Fails at once in one from which nobody comes back. */
  async waitForState(ref: MachineRef, wanted: Machine['state']): Promise<Machine> {
    const deadlineMs = this.clock.now() + this.#options.bootMs;
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 1.5, 5_000)) {
      const machine = await this.describe(ref);
      if (machine?.state === wanted) return machine;
      const is =
        machine === undefined
          ? 'unknown'
          : `${machine.state}${machine.reason === undefined ? '' : ` (${machine.reason})`}`;
      must(machine?.state !== 'failed', `it is ${is} where it should be ${wanted}`);
      const isLate = this.clock.now() + delayMs > deadlineMs;
      must(!isLate, `after ${this.#options.bootMs / 1000} s it is ${is}, not yet ${wanted}`);
      await this.clock.sleep(delayMs, this.signal);
    }
  }

  /** Waits for it to run, and then for its SSH server. */
  async waitForLogin(spec: MachineSpec): Promise<void> {
    const machine = await this.waitForState(spec, 'running');
    must(machine.ssh !== undefined, 'it is running, and does not say how to log in');
    const policy = { firstDelayMs: 250, factor: 1.5, maxDelayMs: 5_000, deadlineMs: this.#options.bootMs };
    const { clock, signal } = this;
    try {
      const { value } = await retry(() => this.logIn(spec), { policy, clock, signal });
      await value.transport.close();
    } catch (error) {
      if (!(error instanceof RetriesExhausted)) throw error;
      const why = error.cause instanceof Error ? error.cause.message : String(error.cause);
      throw new Broken(`nobody can log in after ${this.#options.bootMs / 1000} s: ${why}`);
    }
  }

  /** Logs in at once, with the key that its spec authorizes unless it is said. */
  async logIn(spec: MachineSpec, { key, pinned = true }: { key?: KeyPair; pinned?: boolean } = {}): Promise<Connected> {
    const { provider, signal } = this;
    const [machine, capabilities] = [await this.describe(spec), await this.capabilities()];
    must(machine?.ssh !== undefined, 'it does not say how to log in to a machine that runs');
    const hostKeys = pinned ? pinsOf(capabilities, spec, machine.ssh) : [];
    key ??= (await this.keys).authorized;
    return this.#options.logIn({ provider, machine, ssh: machine.ssh, hostKeys, key, signal });
  }

  /** What a shell line prints there, and its exit code. */
  async run(spec: MachineSpec, line: string, login: { readonly key?: KeyPair } = {}): Promise<Ran> {
    const { transport } = await this.logIn(spec, login);
    try {
      return await runLine(transport, line, this.signal);
    } finally {
      await transport.close();
    }
  }

  /** Has one be deleted, and does not look what came of it. */
  end(ref: MachineRef): Promise<void> {
    return this.#asked.delete(ref, this.signal);
  }

  /** Deletes one, and has it be gone. */
  async delete(ref: MachineRef): Promise<void> {
    await this.end(ref);
    const { readsLag } = await this.capabilities();
    const deadlineMs = this.clock.now() + (readsLag ? this.#options.bootMs : 0);
    for (;;) {
      const after = await this.describe(ref);
      const list = await this.listed(ref.name);
      const isGone = after === undefined || after.state === 'deleting';
      if (isGone && list.every(({ requestId }) => requestId !== ref.requestId)) return;
      const where = isGone ? 'it is still listed' : `describe says that it is ${after.state}`;
      must(this.clock.now() < deadlineMs, `after it was deleted, ${where}`);
      await this.clock.sleep(1_000, this.signal);
    }
  }

  /** Ends whatever was made, and names what is left. */
  cleanUp(): Promise<Remains> {
    return this.#asked.endAll();
  }

  async #makeFirst(): Promise<Subject> {
    const spec = await this.spec();
    return { spec, created: await this.create(spec) };
  }
}

export interface Ran {
  readonly stdout: string;
  readonly code: number | undefined;
}

export async function runLine(transport: Transport, line: string, signal: AbortSignal): Promise<Ran> {
  const channel = await transport.exec(line, { signal });
  channel.stdin.end();
  const [stdout, , exit] = await Promise.all([text(channel.stdout), text(channel.stderr), channel.exit]);
  return { stdout, code: exit.kind === 'code' ? exit.code : undefined };
}

function pinsOf({ hostKey }: Capabilities, spec: MachineSpec, ssh: MachineSsh): readonly string[] {
  return hostKey === 'given' ? [spec.hostKey.publicKey] : ssh.hostKeys;
}

/** That this was refused, with one of these codes. */
export async function refused(work: Promise<unknown>, codes: readonly string[], otherwise: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
  );
  if (error === undefined) throw new Broken(otherwise);
  const code = error instanceof SidecarError ? error.code : error.name;
  must(codes.includes(code), `${otherwise}: it failed with ${error.message}, where ${codes.join(' or ')} was expected`);
}
