import { SidecarError } from '../errors.js';
import { hostKeyLine, parsePublicKey } from '../transport/public-key.js';
import { namingMachines } from './naming-machines.js';
import { connectTo } from './docker/connect.js';
import { createContainer } from './docker/create.js';
import { addressOf, placeOf } from './docker/engine/address.js';
import { Engine } from './docker/engine/engine.js';
import type { Project } from './docker/devcontainer-config.js';
import type { Container } from './docker/engine/answers.js';
import { findEngine } from './docker/engine/find.js';
import { findContainer } from './docker/find-container.js';
import { label } from './docker/labels.js';
import { machineOf, userOf } from './docker/machine.js';
import { dockerOptions } from './docker/options.js';
import { authorize } from './docker/scripts.js';
import type { CallOptions, Capabilities, MachineRef, Place, Provider } from './provider.js';

export interface DockerDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
  /** An engine that was found before. Default: the one that the user's docker command speaks to. */
  readonly place?: Place | undefined;
  /** Whose configuration a dev container is made by. Without it, none is made. */
  readonly project?: Project;
}

const capabilities: Capabilities = {
  ...{ idempotentCreate: true, readsLag: false, hostKey: 'given' },
  ...{ start: true, stop: true, authorizeKey: true, connect: true },
};

/**
 * Machines that are containers of Docker or podman. Throws `usage.invalid` for a configuration that leads to no engine,
 * `provider.unavailable` where there is none; whether it answers is seen when it is asked for something.
 */
export async function dockerProvider({ env, homeDir, place, project }: DockerDeps): Promise<Provider> {
  const address = place === undefined ? await findEngine({ env, homeDir }) : addressOf(place);
  const engine = new Engine({ address, env });
  const deps = { engine, address, world: { env, homeDir } };

  const existing = async (ref: MachineRef, options: CallOptions): Promise<Container> => {
    const container = await findContainer(engine, ref, options);
    if (container !== undefined) return container;
    throw new SidecarError('provider.gone', { name: ref.name }, { retryable: false });
  };

  return namingMachines({
    name: 'docker',
    place: placeOf(address),
    capabilities: () => Promise.resolve(capabilities),

    create: async (spec, options = {}) => {
      const isDevContainer = dockerOptions(spec.options).devcontainer !== false;
      if (!isDevContainer) return machineOf(await createContainer(spec, deps, options), deps, options);
      if (project === undefined) throw new SidecarError('usage.invalid', { reason: 'there is no working tree' });
      const { createDevContainer } = await import('./docker/devcontainer.js');
      const made = await createDevContainer(spec, { ...deps, env, project }, options);
      return { ...(await machineOf(made.container, deps, options)), workdir: made.workdir };
    },

    describe: async (ref, options = {}) => {
      const container = await findContainer(engine, ref, options);
      return container === undefined ? undefined : machineOf(container, deps, options);
    },

    async *list(options = {}) {
      for (const id of await engine.containersLabelled([label.name, label.requestId], options)) {
        const container = await engine.container(id, options);
        if (container !== undefined) yield await machineOf(container, deps, options);
      }
    },

    delete: async (ref, options = {}) => {
      const container = await findContainer(engine, ref, options);
      if (container !== undefined) await engine.remove(container.Id, options);
    },

    start: async (ref, options = {}) => {
      const { Id: id, State } = await existing(ref, options);
      await (State.Status === 'paused' ? engine.unpause(id, options) : engine.start(id, options));
    },

    stop: async (ref, options = {}) => engine.stop((await existing(ref, options)).Id, options),

    authorizeKey: async (ref, publicKey, options = {}) =>
      authorizeKey(engine, (await existing(ref, options)).Id, { publicKey, ...options }),

    connect: async (ref, options = {}) => {
      const container = await existing(ref, options);
      return connectTo(container, await userOf(container, engine, options), { engine, ...options });
    },
  });
}

async function authorizeKey(
  engine: Engine,
  container: string,
  { publicKey, signal }: CallOptions & { readonly publicKey: string },
): Promise<void> {
  const key = parsePublicKey(publicKey);
  if (key === undefined) throw new SidecarError('usage.invalid', { reason: 'that is no public key' });
  const argv = ['/bin/sh', '-c', authorize, 'sidecar', hostKeyLine(key)];
  const { exitCode, stderr } = await engine.run(container, { argv, user: '0' }, { signal });
  if (exitCode === 0) return;
  const reason = `the key cannot be let in: ${stderr.trim()}`;
  throw new SidecarError('provider.failed', { reason }, { retryable: false });
}
