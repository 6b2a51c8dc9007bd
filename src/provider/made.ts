import type { Duplex } from 'node:stream';
import { systemClock, type Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import { madeBy, type MadeRecord, type SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import type { Route, SshTarget } from '../transport/target.js';
import { ageMs, isBeingMade, newMs } from './age.js';
import { deleteMachine } from './delete-machine.js';
import type { Locator, TargetOptions } from './locator.js';
import { dropMachineKey, machineKeyFile } from './machine-keys.js';
import type { CallOptions, Machine, MachineRef, MachineSsh, Provider } from './provider.js';

export interface MadeDeps {
  /** The provider that made it, in the place where it did. */
  readonly provider: (made: MadeRecord) => Promise<Provider>;
  readonly registry: Registry;
  readonly stateDir: string;
  /** The time of day, in milliseconds. */
  readonly timeOfDay?: () => number;
  readonly clock?: Clock;
}

/**
 * How long a machine may be told to be stopped after its start was accepted, in milliseconds: by reads that lag, or because
 * it takes its time. Then the start may have been lost, or the machine stopped again, and within the time of a session it
 * can still be started once or twice more.
 */
const startAgainMs = 30_000;

/** Finds the machines that providers made. One that was stopped is started when it is asked for. */
export function madeLocator(deps: MadeDeps): Locator {
  const { provider: open, registry, stateDir, timeOfDay = Date.now, clock = systemClock } = deps;
  // When the start of a machine was accepted that is told to be stopped all the same, by its request id: for as long as
  // somebody opens sessions by this locator.
  const starts = new Map<string, number>();

  const find = async (record: SidecarRecord, { signal, wake = true }: TargetOptions): Promise<[Machine, Provider]> => {
    const options: CallOptions = { signal };
    const made = madeBy(record);
    const ref = refOf({ ...made, name: record.name });
    const provider = await open(made);
    /** Undefined means two things: it is gone, or too new to be known. */
    const missing = async (): Promise<never> => {
      if (isBeingMade(record, timeOfDay)) throw notYet(record, 'nobody has heard yet that it was made');
      const isNew = ageMs(record, timeOfDay) < newMs;
      if (isNew && (await provider.capabilities(options)).readsLag)
        throw notYet(record, 'its provider does not know it yet');
      throw gone(record);
    };
    // The session asks again, and says so.
    const asking = { ...options, brief: true };
    const describe = async (): Promise<Machine> => {
      const machine = (await provider.describe(ref, asking)) ?? (await missing());
      // Of two replicas, one may still say that it is stopped when the other says that it is starting.
      if (machine.state === 'running') starts.delete(made.requestId);
      return machine;
    };
    const described = await describe();
    if (described.state !== 'stopped') return [described, provider];
    if (!wake) throw new SidecarError('provider.stopped', { name: record.name }, { retryable: false });
    if (provider.start === undefined) throw failed(record, described, 'it is stopped, and its provider starts none');
    const { readsLag } = await provider.capabilities(options);
    const startedMs = starts.get(made.requestId) ?? -Infinity;
    if (clock.now() - startedMs < startAgainMs) throw notYet(record, 'its machine is being started');
    await provider.start(ref, options);
    if (readsLag) starts.set(made.requestId, clock.now());
    const started = await describe();
    if (started.state !== 'stopped') return [started, provider];
    throw readsLag
      ? notYet(record, 'its machine is being started')
      : failed(record, started, 'it stops as soon as it is started');
  };

  return {
    target: async (record, options = {}) => {
      const [machine, provider] = await find(record, options);
      const ssh = sshOf(record, machine);
      const known = options.learn === false ? withMachine(record, machine) : await learn(record, machine);
      const identity = provider.loginKey?.file ?? machineKeyFile(stateDir, madeBy(record).requestId);
      const ref = refOf({ ...madeBy(known), name: record.name });
      return targetOf(known, ssh, { provider, identity, ref });
    },
    delete: async (record, { emit } = {}) => {
      const { name } = record;
      const provider = await open(madeBy(record));
      let current = record;
      // Whoever makes it may know more by now.
      const refNow = async (): Promise<MachineRef> => {
        current = (await registry.current(record)) ?? current;
        return refOf({ ...madeBy(current), name });
      };
      const leftMs = newMs - ageMs(record, timeOfDay);
      const deletion = await deleteMachine(refNow, { provider, clock, leftMs });
      if (deletion === 'unknown') emit?.({ kind: 'provider.unknown', name });
      await dropMachineKey(stateDir, madeBy(record).requestId);
      return current;
    },
  };

  /** What is heard of a machine for the first time is kept: its id, and the keys that its provider vouches for. */
  async function learn(record: SidecarRecord, machine: Machine): Promise<SidecarRecord> {
    const { id: knownId } = madeBy(record);
    const isNews = knownId === undefined || (record.hostKeys.length === 0 && (machine.ssh?.hostKeys.length ?? 0) > 0);
    if (!isNews) return record;
    return registry.update(record.name, (current) => withMachine(current, machine), record);
  }
}

/** A machine's record with what is known of it now: its id, and the keys that its provider vouches for. */
export function withMachine(record: SidecarRecord, { id, ssh }: Machine): SidecarRecord {
  const hostKeys = record.hostKeys.length > 0 ? record.hostKeys : [...(ssh?.hostKeys ?? [])];
  return { ...record, hostKeys, provider: { ...madeBy(record), id } };
}

/** Which machine is meant. */
export function refOf({ name, requestId, id }: MachineRef): MachineRef {
  return { name, requestId, ...(id === undefined ? {} : { id }) };
}

function sshOf(record: SidecarRecord, machine: Machine): MachineSsh {
  switch (machine.state) {
    case 'creating':
      throw notYet(record, `its machine is being made${because(machine)}`);
    case 'starting':
      throw notYet(record, `its machine is starting${because(machine)}`);
    case 'deleting':
      throw gone(record);
    case 'failed':
    case 'stopped':
      throw failed(record, machine, `it is ${machine.state}`);
    case 'running':
      if (machine.ssh === undefined) throw notYet(record, 'its provider does not say yet where it is');
      return machine.ssh;
  }
}

/** Where to connect. Throws `provider.failed` where there is no way. */
export function targetOf(
  { name, hostKeys }: Pick<SidecarRecord, 'name' | 'hostKeys'>,
  { endpoint, user, hostKeys: told }: MachineSsh,
  { provider, identity, ref }: { readonly provider: Provider; readonly identity: string; readonly ref: MachineRef },
): SshTarget {
  const rest = {
    ...{ alias: name, user, hostKeys: hostKeys.length > 0 ? hostKeys : told },
    ...{ identityFiles: [identity], identitiesOnly: true, knownHostsFiles: [] },
  };
  // Port 0 stands for one that is not known here.
  const through = (route: Route): SshTarget => ({ ...rest, host: name, port: 0, route });
  switch (endpoint.kind) {
    case 'tcp':
      return { ...rest, host: endpoint.host, port: endpoint.port };
    case 'connect':
      return through({ kind: 'stream', open: (signal) => streamTo(ref, provider, signal) });
    case 'command':
    case 'websocket':
      return through(endpoint);
  }
}

async function streamTo(ref: MachineRef, provider: Provider, signal: AbortSignal): Promise<Duplex> {
  if (provider.connect !== undefined) return provider.connect(ref, { signal });
  const reason = `its provider says to connect through ${provider.name}, which cannot`;
  throw new SidecarError('provider.failed', { name: ref.name, reason }, { retryable: false });
}

const because = ({ reason }: Machine): string => (reason === undefined ? '' : `: ${reason}`);

function notYet({ name }: SidecarRecord, reason: string): SidecarError {
  return new SidecarError('ssh.unreachable', { host: name, port: 0, reason }, { retryable: true });
}

function gone({ name }: SidecarRecord): SidecarError {
  return new SidecarError('provider.gone', { name }, { retryable: false });
}

function failed({ name }: SidecarRecord, { reason }: Machine, otherwise: string): SidecarError {
  return new SidecarError('provider.failed', { name, reason: reason ?? otherwise }, { retryable: false });
}
