import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import { createMachine, type CreateRequest } from './create.js';
import type { Project } from './docker/devcontainer-config.js';
import { providerNamed, type ProviderDeps } from './providers.js';

export interface NamedCreateRequest extends CreateRequest {
  /** Absent: `local`. */
  readonly provider?: string | undefined;
  /** See `ProviderDeps`. */
  readonly project?: Project | undefined;
  readonly server?: string | undefined;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `createMachine` by the provider of that name. The files of a local machine that was forgotten are set aside for another
 * of its name: nobody else can have it on their list.
 */
export async function createNamed(
  request: NamedCreateRequest,
  { registry, ...machines }: ProviderDeps & { readonly registry: Registry },
): Promise<SidecarRecord> {
  const { name, provider: providerName = 'local', project, server, emit, signal } = request;
  const surroundings = { ...machines, ...(project === undefined ? {} : { project }), server, signal };
  const provider = await providerNamed(providerName, surroundings);
  const { stateDir, clock } = machines;
  const deps = { provider, registry, stateDir, clock, emit, signal };
  try {
    return await createMachine(request, deps);
  } catch (error) {
    const isForgotten = error instanceof SidecarError && error.code === 'sidecar.exists' && 'directory' in error.facts;
    if (providerName !== 'local' || !isForgotten) throw error;
    const { setAside } = await import('./local.js');
    const line = `its files of before it was forgotten are now in ${await setAside(stateDir, name)}`;
    emit({ kind: 'provider.progress', name, line });
    return createMachine(request, deps);
  }
}
