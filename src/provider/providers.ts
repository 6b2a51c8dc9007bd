import { SidecarError } from '../errors.js';
import type { MadeRecord, SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import type { LocalDeps } from './local.js';
import type { Locator } from './locator.js';
import { madeLocator } from './made.js';
import type { Place, Provider } from './provider.js';
import { sshHostLocator, type SshHostDeps } from './ssh-host.js';

export type ProviderDeps = LocalDeps & SshHostDeps;

/** Each is loaded when it is needed. With a `place`, it speaks for that one, whatever is configured now. */
const builtIn: Readonly<Record<string, (deps: ProviderDeps, place: Place | undefined) => Promise<Provider>>> = {
  local: async (deps) => (await import('./local.js')).localProvider(deps),
};

const builtInProviders: readonly string[] = Object.keys(builtIn);

/** The provider of that name. Throws `usage.invalid` where there is none. */
export async function providerNamed(name: string, deps: ProviderDeps, place?: Place): Promise<Provider> {
  const make = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (make !== undefined) return make(deps, place);
  const reason = `there is no provider named ${name}; there is: ${builtInProviders.join(', ')}`;
  throw new SidecarError('usage.invalid', { reason });
}

/** Finds the machine of any sidecar. */
export function locator(deps: ProviderDeps & { readonly registry: Registry }): Locator {
  const provider = ({ by, place }: MadeRecord): Promise<Provider> => providerNamed(by, deps, place);
  const made = madeLocator({ provider, registry: deps.registry, stateDir: deps.stateDir });
  const adopted = sshHostLocator(deps);
  const of = (record: SidecarRecord): Locator => (record.provider.kind === 'made' ? made : adopted);
  return {
    target: (record, options) => of(record).target(record, options),
    delete: (record) => of(record).delete(record),
  };
}
