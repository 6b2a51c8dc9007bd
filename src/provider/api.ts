import * as v from 'valibot';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { AccessTokens } from '../control/access-tokens.js';
import type { Mark, Sidecar } from '../control/answers.js';
import { ControlPlane, type AskOptions } from '../control/client.js';
import { controlKey, controlKeyFile, controlKeyTitle } from '../control/control-key.js';
import { sender, type Send } from '../control/http/send.js';
import { machineOf, type Reading } from './api/machine.js';
import { forGood } from './for-good.js';
import { checkOptions } from './options.js';
import type { CallOptions, Capabilities, Machine, MachineRef, MachineSpec, Provider } from './provider.js';

export interface ApiDeps {
  /** As `serverAddress` gives it. */
  readonly server: string;
  readonly tokens: AccessTokens;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Where the key of this machine is kept. */
  readonly stateDir: string;
  /** Default: over the network. */
  readonly send?: Send;
}

const capabilities: Capabilities = {
  ...{ idempotentCreate: true, readsLag: true, hostKey: 'told' },
  // The keys of a user are registered for all that is made later: nobody is let in to one machine, and no key taken back.
  ...{ start: true, stop: false, authorizeKey: false, connect: false },
};

/** How long the start of a machine may take to be taken note of, in milliseconds. */
const startLimitMs = 10_000;

/** Machines that a service makes, by the calls of control/openapi.json. Throws as `ControlPlane` does. */
export function apiProvider({ server, tokens, env, clock, stateDir, send = sender({ env }) }: ApiDeps): Provider {
  const control = new ControlPlane({ server, tokens, send, clock });
  const registered = new Set<string>();
  const title = controlKeyTitle();
  const words = (text: string): string => control.words(text);
  const reading: Reading = { about: { server, call: 'GET /v1/sidecars' }, words };
  // Whatever is wrong with the answer, something may have been made.
  const making: Reading = { about: { server, call: 'POST /v1/sidecars', maybeApplied: true }, words };

  const byRequest = async (ref: MachineRef, options: AskOptions): Promise<Sidecar | undefined> => {
    const sidecars = await control.sidecars({ ...options, isMeant: (mark) => mayBe(mark, ref) });
    return sidecars.find((each) => each.name === ref.name && each.requestId === ref.requestId);
  };

  /** Also of one that is otherwise not as agreed. */
  const idOf = async (ref: MachineRef, options: AskOptions): Promise<string | undefined> => {
    if (ref.id !== undefined) return ref.id;
    const marks = (await control.marks(options)).filter((mark) => mayBe(mark, ref));
    const marked = marks.find(({ requestId }) => requestId === ref.requestId);
    // What may be it and cannot be told is an error, which comes of reading it.
    return marked?.id ?? (marks.length === 0 ? undefined : (await byRequest(ref, options))?.id);
  };

  const register = async (publicKey: string, options: AskOptions): Promise<void> => {
    if (registered.has(publicKey)) return;
    await control.registerKey({ title, publicKey }, options).catch(failForGood);
    registered.add(publicKey);
  };

  return {
    name: 'api',
    place: { server },
    loginKey: {
      file: controlKeyFile(stateDir, server),
      letIn: async (options = {}) => {
        const { publicKey } = await controlKey(stateDir, server);
        await register(publicKey, options);
        return publicKey;
      },
    },
    capabilities: () => Promise.resolve(capabilities),

    create: async (spec, { signal } = {}) => {
      const { name, requestId, image, authorizedKeys, options } = spec;
      checkOptions('api', v.strictObject({}), options);
      for (const publicKey of authorizedKeys) await register(publicKey, { signal });
      const body = { name, requestId, ...(image === undefined ? {} : { image }) };
      const created = await control.create(body, { signal }).catch(failForGoodElsewhere);
      if (created.kind === 'taken') throw nameTaken(spec, server);
      const { sidecar } = created;
      if (sidecar.name === name && sidecar.requestId === requestId) return machineOf(sidecar, making);
      // One of our request id was made for us, whatever it is called.
      throw otherMachine(making);
    },

    describe: async (ref, options = {}) => {
      if (ref.id === undefined) return asMachine(await byRequest(ref, options), reading);
      const found = await control.sidecar(ref.id, options);
      if (found.kind === 'gone') throw gone(ref);
      const isIt = found.kind === 'found' && found.sidecar.requestId === ref.requestId;
      return isIt ? machineOf(found.sidecar, reading) : undefined;
    },

    async *list(options: CallOptions = {}) {
      for (const each of await control.sidecars(options)) {
        const machine = machineIn(each, reading);
        if (machine !== undefined) yield machine;
      }
    },

    delete: async (ref, options = {}) => {
      const id = await idOf(ref, options);
      const deletion = id === undefined ? 'unknown' : await control.delete(id, options);
      if (deletion === 'unknown') options.onUnknown?.();
    },

    start: async (ref, options = {}) => {
      const id = await idOf(ref, { ...options, brief: true });
      const limits = { ...options, limitMs: startLimitMs };
      const resumption = id === undefined ? 'unknown' : await control.resume(id, limits);
      if (resumption === 'gone') throw gone(ref);
      if (resumption === 'unknown') throw notKnownYet(server);
    },
  };
}

/** Without a request id that could be read, one of its name may be it. */
function mayBe({ name, requestId }: Mark, ref: MachineRef): boolean {
  return requestId === undefined ? name === ref.name : requestId === ref.requestId;
}

function asMachine(sidecar: Sidecar | undefined, reading: Reading): Machine | undefined {
  return sidecar === undefined ? undefined : machineOf(sidecar, reading);
}

/** Undefined where it is not as agreed: a list is not to break of one. */
function machineIn(sidecar: Sidecar, reading: Reading): Machine | undefined {
  try {
    return machineOf(sidecar, reading);
  } catch (error) {
    if (error instanceof SidecarError && error.code === 'provider.protocol') return undefined;
    throw error;
  }
}

/** What comes before the making of a machine is not repeated with it. */
function failForGood(error: unknown): never {
  throw forGood(error);
}

/** Of what is asked for a creation, only that itself is asked again: not the renewal of a token. */
function failForGoodElsewhere(error: unknown): never {
  if (error instanceof SidecarError && error.code.startsWith('provider.')) throw error;
  return failForGood(error);
}

function gone({ name }: MachineRef): SidecarError {
  return new SidecarError('provider.gone', { name }, { retryable: false });
}

/** It was described just before: another answer comes of another replica. */
function notKnownYet(server: string): SidecarError {
  const call = 'POST /v1/sidecars/{id}/resume';
  const facts = { provider: 'api', server, call, reason: 'the service does not know it yet' };
  return new SidecarError('provider.unavailable', facts, { retryable: true });
}

function nameTaken({ name }: MachineSpec, server: string): SidecarError {
  const facts = { name, provider: 'api', server, reason: 'the name is taken there' };
  return new SidecarError('sidecar.exists', facts, { retryable: false });
}

function otherMachine({ about }: Reading): SidecarError {
  const reason = 'it answered with a machine of another name or request id';
  const facts = { provider: 'api', ...about, reason };
  return new SidecarError('provider.protocol', facts, { retryable: false });
}
