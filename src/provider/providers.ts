import type { Clock } from '../clock.js';
import type { Finishing } from '../control/finishing.js';
import { SidecarError } from '../errors.js';
import { isProgramProviderName } from '../sidecars/provider-name.js';
import type { MadeRecord, SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import type { ControlPlanes } from './api/control-planes.js';
import type { Project } from './docker/devcontainer-config.js';
import type { ProgramPlaces, ProviderProgram } from './exec/program.js';
import type { LocalDeps } from './local.js';
import type { Locator } from './locator.js';
import { madeLocator } from './made.js';
import type { Place, Provider } from './provider.js';
import { sshHostLocator, type SshHostDeps } from './ssh-host.js';

export type ProviderDeps = LocalDeps &
  SshHostDeps &
  ProgramPlaces & {
    readonly clock: Clock;
    /** See `DockerDeps`. */
    readonly project?: Project;
    /** The control plane that `--server` names. */
    readonly server?: string | undefined;
    /** Whose machines `api` makes. Default: as it is configured. */
    readonly controlPlanes?: ControlPlanes | undefined;
    /** See `ClientOptions`. */
    readonly finishing?: Finishing | undefined;
    /** Ends the wait for a program that says what it can do. */
    readonly signal?: AbortSignal | undefined;
  };

/** Each is loaded when it is needed. With a `place`, it speaks for that one, whatever is configured now. */
const builtIn: Readonly<Record<string, (deps: ProviderDeps, place: Place | undefined) => Promise<Provider>>> = {
  local: async (deps) => (await import('./local.js')).localProvider(deps),
  docker: async (deps, place) => (await import('./docker.js')).dockerProvider({ ...deps, place }),
  api: async (deps, place) => {
    const [{ apiProvider }, { configuredControlPlanes }] = await Promise.all([
      import('./api.js'),
      import('./api/control-planes.js'),
    ]);
    const { env, clock, stateDir, controlPlanes = configuredControlPlanes(deps) } = deps;
    const server = place?.['server'] ?? (await controlPlanes.server());
    return apiProvider({ server, tokens: await controlPlanes.tokens(server), env, clock, stateDir });
  },
  swarm: async (deps, place) => (await import('./swarm.js')).swarmProvider({ ...deps, place }),
};

/**
 * The provider of that name: one that comes with sidecar, else a program of the user's. Throws `usage.invalid` where there
 * is none, `provider.missing` where there was one, by which machines were made at that `place`, and as `execProvider`.
 */
export async function providerNamed(name: string, deps: ProviderDeps, place?: Place): Promise<Provider> {
  const make = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (make !== undefined) return make(deps, place);
  const { findProviderProgram } = await import('./exec/program.js');
  const program = isProgramProviderName(name) ? await findProviderProgram(name, deps) : undefined;
  if (program !== undefined) {
    const { execProvider } = await import('./exec/provider.js');
    const { env, clock, signal } = deps;
    return execProvider({ program, env, clock, place, signal });
  }
  if (place !== undefined) throw new SidecarError('provider.missing', { provider: name }, { retryable: false });
  const known = (await knownProviders(deps)).map((each) => each.name);
  const reason = `there is no provider named ${name}; there is: ${known.join(', ')}`;
  throw new SidecarError('usage.invalid', { reason });
}

/** One that there is. Without a command, it comes with sidecar. */
export interface KnownProvider extends Partial<Pick<ProviderProgram, 'command' | 'source'>> {
  readonly name: string;
}

/** Every provider that can be named here. Throws `settings.invalid`. */
export async function knownProviders(places: ProgramPlaces): Promise<readonly KnownProvider[]> {
  const { listProviderPrograms } = await import('./exec/program.js');
  return [...Object.keys(builtIn).map((name) => ({ name })), ...(await listProviderPrograms(places))];
}

/** Finds the machine of any sidecar. */
export function locator(deps: ProviderDeps & { readonly registry: Registry }): Locator {
  // A program would be asked at every attempt what it can do.
  const opened = new Map<string, Promise<Provider>>();
  const provider = ({ by, place }: MadeRecord): Promise<Provider> => {
    const key = JSON.stringify([by, place]);
    const opening = opened.get(key) ?? providerNamed(by, deps, place);
    opened.set(key, opening);
    opening.catch(() => opened.delete(key));
    return opening;
  };
  const made = madeLocator({ provider, registry: deps.registry, stateDir: deps.stateDir, clock: deps.clock });
  const adopted = sshHostLocator(deps);
  const of = (record: SidecarRecord): Locator => (record.provider.kind === 'made' ? made : adopted);
  return {
    target: (record, options) => of(record).target(record, options),
    delete: (record, options) => of(record).delete(record, options),
  };
}
