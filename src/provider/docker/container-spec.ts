import type { MachineSpec } from '../provider.js';
import { identityLabels, label } from './labels.js';
import type { DockerOptions } from './options.js';
import { idle, idleAndServe } from './scripts.js';
import { sshServer } from './ssh-server.js';

const sshPort = `${sshServer.port}/tcp`;

/**
 * The container of a machine, as the engine wants to be told. What the image would start is not started: it only waits,
 * and its SSH server is started for each connection, or serves a port of its own where that is published.
 */
export function containerSpec(
  spec: MachineSpec,
  options: DockerOptions,
  { image, user, init }: { readonly image: string; readonly user: string; readonly init: boolean },
): object {
  const { publish, volume, env, cpus, memory, network } = options;
  const isServing = publish !== undefined;
  return {
    Image: image,
    Labels: {
      ...identityLabels(spec),
      [label.user]: user,
      ...(isServing ? { [label.publish]: publish.bind } : {}),
    },
    Env: env,
    Entrypoint: ['/bin/sh', '-c', isServing ? idleAndServe : idle],
    Cmd: [],
    // sshd has to be root's to let others in.
    ...(isServing ? { User: '0:0' } : {}),
    // What its network is called there cannot be changed.
    ...(network === undefined ? { Hostname: spec.name } : {}),
    // Both are about what the image would start.
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['NONE'] },
    ...(isServing ? { ExposedPorts: { [sshPort]: {} } } : {}),
    HostConfig: {
      Init: init,
      Binds: volume,
      ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
      ...(memory === undefined ? {} : { Memory: memory }),
      ...(network === undefined ? {} : { NetworkMode: network }),
      ...(isServing ? { PortBindings: { [sshPort]: [{ HostIp: publish.bind, HostPort: String(publish.port) }] } } : {}),
    },
  };
}
