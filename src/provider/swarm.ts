import { SidecarError } from '../errors.js';
import { namingMachines } from './naming-machines.js';
import { addressOf, placeOf } from './docker/engine/address.js';
import { Engine } from './docker/engine/engine.js';
import type { UsersWorld } from './docker/engine/docker-config.js';
import { findEngine } from './docker/engine/find.js';
import { areOf, containerName, identityLabels, label, labelsOf } from './docker/labels.js';
import { checkImage } from './docker/image.js';
import { registryAuth, registryLogin } from './docker/registry/registry-login.js';
import { configLines, lines } from './docker/ssh-server.js';
import type { DockerDeps } from './docker.js';
import { removedAfter } from './maybe-applied.js';
import type { CallOptions, Capabilities, MachineRef, MachineSpec, Provider } from './provider.js';
import type { Service } from './swarm/answers.js';
import { machineOf } from './swarm/machine.js';
import { SwarmManager, type SwarmFile } from './swarm/manager.js';
import { swarmOptions } from './swarm/options.js';
import { files } from './swarm/serve.js';
import { serviceSpec, type KeptFile } from './swarm/service-spec.js';

/** A task that is not wanted leaves its files behind with its node: there is no stopping without losing them. */
const capabilities: Capabilities = {
  ...{ idempotentCreate: true, readsLag: false, hostKey: 'given' },
  ...{ start: true, stop: false, authorizeKey: false, connect: false },
};

/**
 * Machines that are services of a Docker Swarm, on whatever node there is room. The swarm keeps their keys, so that one
 * that is started again on another node is the same sidecar, with an empty disk. Throws as `dockerProvider` does.
 */
export async function swarmProvider({ env, homeDir, place }: DockerDeps): Promise<Provider> {
  const address = place === undefined ? await findEngine({ env, homeDir }) : addressOf(place);
  const manager = new SwarmManager(new Engine({ address, env }));
  const deps = { manager, address };

  const find = async (ref: MachineRef, options: CallOptions): Promise<Service | undefined> => {
    const found = await manager.service(ref.id ?? containerName(ref.name), options);
    return found !== undefined && areOf(found.Spec.Labels, ref) ? found : undefined;
  };

  const remove = async (ref: Pick<MachineRef, 'name' | 'requestId'>, options: CallOptions): Promise<void> => {
    // By its labels, and not by its name only: an id may not be known.
    for (const service of await manager.servicesLabelled(labelsOf(ref), options)) {
      if (areOf(service.Spec.Labels, ref)) await manager.removeService(service.ID, options);
    }
    await manager.removeFiles(ref, options);
  };

  return namingMachines({
    name: 'swarm',
    place: placeOf(address),
    capabilities: () => Promise.resolve(capabilities),

    create: async (spec, options = {}) => {
      const wanted = swarmOptions(spec.options);
      const image = checkImage(spec.image);
      const name = containerName(spec.name);
      const labels = identityLabels(spec);
      const there = await manager.service(name, options);
      if (there !== undefined && !areOf(there.Spec.Labels, spec)) throw nameTaken(spec, there);
      if (there !== undefined) return machineOf(there, deps, options);
      const login = wanted['registry-auth'] ? await loginForAll(image, { env, homeDir }, options) : undefined;
      try {
        const kept: KeptFile[] = [];
        for (const file of filesOf(spec, labels)) {
          kept.push({ ...file, id: await manager.keepFile(file, options) });
        }
        const made = await manager.makeService(serviceSpec({ ...spec, image }, wanted, { name, labels, kept }), {
          ...options,
          registryAuth: login,
        });
        const service = await manager.service(made.kind === 'made' ? made.id : name, options);
        if (service === undefined) throw new SidecarError('provider.failed', { reason: 'its service is gone already' });
        if (!areOf(service.Spec.Labels, spec)) throw nameTaken(spec, service);
        return await machineOf(service, deps, options);
      } catch (error) {
        throw await removedAfter(error, () => remove(spec, {}));
      }
    },

    describe: async (ref, options = {}) => {
      const service = await find(ref, options);
      return service === undefined ? undefined : machineOf(service, deps, options);
    },

    async *list(options = {}) {
      for (const service of await manager.servicesLabelled([label.name, label.requestId], options)) {
        yield await machineOf(service, deps, options);
      }
    },

    delete: (ref, options = {}) => remove(ref, options),

    start: async (ref, options = {}) => {
      const service = await find(ref, options);
      if (service?.Spec.Mode.Replicated?.Replicas === 0) await manager.scale(service, 1, options);
    },
  });
}

/** The user's login at the registry of an image, for the swarm's nodes. Throws `usage.invalid` where there is none. */
async function loginForAll(image: string, world: UsersWorld, options: CallOptions): Promise<string> {
  const login = await registryLogin(image, world, options);
  const auth = registryAuth(login);
  if (auth !== undefined) return auth;
  const reason = `there is no login at ${login.registry} for the swarm's nodes${login.trouble === undefined ? '' : `: ${login.trouble}`}`;
  throw new SidecarError('usage.invalid', { reason, suggestion: 'see `docker login`, or leave out `registry-auth`' });
}

/** Names hold the request id: what an earlier creation of that name has left is in nobody's way. */
function filesOf(spec: MachineSpec, labels: Readonly<Record<string, string>>): (SwarmFile & { path: string })[] {
  const called = (what: string): string => `sidecar-${spec.requestId}-${what}`;
  const { hostKey, authorizedKeys } = spec;
  const config = { kind: 'configs', labels } as const;
  return [
    { kind: 'secrets', labels, name: called('host-key'), data: hostKey.privateKey, path: files.hostKey },
    { ...config, name: called('keys'), data: lines(authorizedKeys), path: files.authorizedKeys },
    { ...config, name: called('sshd'), data: lines(configLines([])), path: files.config },
  ];
}

function nameTaken({ name }: MachineSpec, { ID, Spec }: Service): SidecarError {
  const reason = `there is a service named ${Spec.Name} already in the swarm`;
  const suggestion = `choose another name, or remove it: \`docker service rm ${Spec.Name}\``;
  return new SidecarError('sidecar.exists', { name, reason, suggestion, service: ID }, { retryable: false });
}
