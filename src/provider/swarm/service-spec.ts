import { label } from '../docker/labels.js';
import { sshServer } from '../docker/ssh-server.js';
import type { MachineSpec } from '../provider.js';
import type { SwarmOptions } from './options.js';
import { serveOnPort } from './serve.js';

/** A file that the swarm keeps, where it goes in the container. */
export interface KeptFile {
  readonly kind: 'secrets' | 'configs';
  readonly id: string;
  readonly name: string;
  readonly path: string;
}

/**
 * The service of a machine, as the manager wants to be told: one task, of which its SSH server's port is published on the
 * node that it runs on. The routing mesh could not tell the sidecars of a swarm apart.
 */
export function serviceSpec(
  spec: MachineSpec,
  options: SwarmOptions,
  { name, labels, kept }: { name: string; labels: Readonly<Record<string, string>>; kept: readonly KeptFile[] },
): object {
  const { env, volume, cpus, memory, constraint, network } = options;
  const { user = 'root' } = options;
  const limits = {
    ...(cpus === undefined ? {} : { NanoCPUs: Math.round(cpus * 1e9) }),
    ...(memory === undefined ? {} : { MemoryBytes: memory }),
  };
  const keptAs = (kind: KeptFile['kind'], id: string, called: string): object[] =>
    kept
      .filter((file) => file.kind === kind)
      .map((file) => ({
        ...{ [id]: file.id, [called]: file.name },
        File: { Name: file.path, UID: '0', GID: '0', Mode: kind === 'secrets' ? 0o400 : 0o444 },
      }));
  return {
    Name: name,
    Labels: { ...labels, [label.user]: user },
    TaskTemplate: {
      ContainerSpec: {
        Image: spec.image,
        Labels: labels,
        Command: ['/bin/sh', '-c', serveOnPort, 'sidecar', user],
        User: '0:0',
        Hostname: spec.name,
        Env: env,
        Init: true,
        StopGracePeriod: 10_000_000_000,
        Healthcheck: { Test: ['NONE'] },
        Mounts: volume.map(mountOf),
        Secrets: keptAs('secrets', 'SecretID', 'SecretName'),
        Configs: keptAs('configs', 'ConfigID', 'ConfigName'),
      },
      Resources: { Limits: limits, Reservations: limits },
      RestartPolicy: { Condition: 'any', Delay: 2_000_000_000 },
      Placement: { Constraints: constraint },
      ...(network === undefined ? {} : { Networks: [{ Target: network }] }),
    },
    Mode: { Replicated: { Replicas: 1 } },
    // Never two of a sidecar at once.
    UpdateConfig: { Parallelism: 1, Order: 'stop-first' },
    EndpointSpec: { Ports: [{ Protocol: 'tcp', TargetPort: sshServer.port, PublishMode: 'host' }] },
  };
}

function mountOf(volume: string): object {
  const [source = '', target = '', words = ''] = volume.split(':');
  const modes = words.split(',');
  return {
    Type: source.startsWith('/') ? 'bind' : 'volume',
    ...{ Source: source, Target: target, ReadOnly: modes.includes('ro') },
    ...(modes.includes('nocopy') ? { VolumeOptions: { NoCopy: true } } : {}),
  };
}
