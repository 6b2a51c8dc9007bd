import type { Clock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { hostKeyLine, parsePublicKey } from '../../transport/public-key.js';
import type { CallOptions, Capabilities, Machine, MachineRef, Place, Provider } from '../provider.js';
import { apiVersion } from './api-version.js';
import { ask, type Asking } from './ask.js';
import { protocolError, type Asked } from './errors.js';
import type { ProviderProgram } from './program.js';
import type { Answer, answers, Call } from './protocol.js';
import { connectThrough } from './stream.js';

export interface ExecProviderOptions {
  readonly program: ProviderProgram;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Where machines were made before; the one that the program speaks for now where it is absent. */
  readonly place?: Place | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A provider that is a program of its own, in whatever language: see `protocol.ts`. It is asked at once what it can do,
 * which decides what methods there are. Throws as `ask`.
 */
export async function execProvider(options: ExecProviderOptions): Promise<Provider> {
  const { program, env, clock, signal } = options;
  const opening = { apiVersion, ...(options.place === undefined ? {} : { place: options.place }) };
  const asked: Asking<'capabilities'>['asked'] = { program, call: 'capabilities' };
  const answer = await ask({ asked, request: opening, env, clock, signal });
  const place = options.place ?? answer.place ?? {};
  const capabilities = readCapabilities(answer);

  const request = <C extends keyof typeof answers>(
    call: C,
    { name, body = {}, ...rest }: CallOptions & Pick<Asking<C>, 'progress'> & { name?: string; body?: object },
  ): Promise<Answer<C>> =>
    ask({ asked: { program, call, name }, request: { apiVersion, place, ...body }, env, clock, ...rest });

  /** A call about one machine that is answered with nothing. */
  const about = async (
    call: 'delete' | 'start' | 'stop' | 'authorize-key',
    machine: MachineRef,
    { signal, ...body }: CallOptions & { readonly publicKey?: string } = {},
  ): Promise<void> => {
    await request(call, { name: machine.name, body: { machine: refTo(machine), ...body }, signal });
  };

  const describe = async (machine: MachineRef, { signal }: CallOptions = {}): Promise<Machine | undefined> => {
    const body = { machine: refTo(machine) };
    const found = await request('describe', { name: machine.name, body, signal }).catch(noneIfGone);
    const described = found?.sidecar;
    // A program that only looks for the name need not know that this is another machine.
    if (described?.requestId !== machine.requestId) return undefined;
    return readMachine({ program, call: 'describe', name: machine.name }, described);
  };

  return {
    name: program.name,
    place,
    capabilities: () => Promise.resolve(capabilities),
    create: async (spec, { signal, progress } = {}) => {
      const { sidecar } = await request('create', { name: spec.name, body: { spec }, signal, progress });
      const asked: Asked = { program, call: 'create', name: spec.name };
      if (sidecar.name !== spec.name || sidecar.requestId !== spec.requestId) {
        throw protocolError(asked, 'it answered with a machine of another name or request id');
      }
      return readMachine(asked, sidecar);
    },
    describe,
    list: async function* ({ signal } = {}) {
      const { sidecars } = await request('list', { signal });
      for (const each of sidecars) yield readMachine({ program, call: 'list', name: each.name }, each);
    },
    delete: async (machine, { signal, onUnknown } = {}) => {
      await about('delete', machine, { signal }).catch((error: unknown) => {
        noneIfGone(error);
        onUnknown?.();
      });
    },
    ...(capabilities.start ? { start: (machine, options) => about('start', machine, options) } : {}),
    ...(capabilities.stop ? { stop: (machine, options) => about('stop', machine, options) } : {}),
    ...(capabilities.authorizeKey
      ? { authorizeKey: (machine, publicKey, options) => about('authorize-key', machine, { ...options, publicKey }) }
      : {}),
    ...(capabilities.connect
      ? {
          connect: (machine, { signal } = {}) => {
            const asked = { program, call: 'connect' as const, name: machine.name };
            return connectThrough({
              ...{ asked, env, clock, signal },
              request: { apiVersion, place, machine: refTo(machine) },
            });
          },
        }
      : {}),
  } satisfies Provider;
}

/** Without whatever else the object may hold. */
function refTo({ name, requestId, id }: MachineRef): MachineRef {
  return { name, requestId, ...(id === undefined ? {} : { id }) };
}

function noneIfGone(error: unknown): undefined {
  if (error instanceof SidecarError && error.code === 'provider.gone') return undefined;
  throw error;
}

/** What it does not speak of, it cannot do. */
function readCapabilities({ capabilities }: Answer<'capabilities'>): Capabilities {
  const can = (name: Exclude<keyof Capabilities, 'hostKey'>): boolean => capabilities[name] ?? false;
  return {
    idempotentCreate: can('idempotentCreate'),
    readsLag: can('readsLag'),
    hostKey: capabilities.hostKey ?? 'unknown',
    start: can('start'),
    stop: can('stop'),
    authorizeKey: can('authorizeKey'),
    connect: can('connect'),
  };
}

/** Keys as records hold them, without the comments that `.pub` files have. */
function readMachine(asked: Asked & { readonly call: Call }, machine: Answer<'create'>['sidecar']): Machine {
  const { ssh, ...rest } = machine;
  if (ssh === undefined) return rest;
  const hostKeys = (ssh.hostKeys ?? []).map((line) => {
    const key = parsePublicKey(line);
    if (key === undefined) throw protocolError(asked, `it gave a host key that is none: ${line.slice(0, 100)}`);
    return hostKeyLine(key);
  });
  return { ...rest, ssh: { ...ssh, hostKeys } };
}
