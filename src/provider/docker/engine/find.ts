import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { SidecarError } from '../../../errors.js';
import { parseEngineHost, type EngineAddress, type EngineTls } from './address.js';
import { currentContext, readContext } from './contexts.js';
import { dockerConfigDir, type UsersWorld } from './docker-config.js';

export interface EngineWorld extends UsersWorld {
  /** Looks for a socket at a path. */
  readonly isSocket?: (path: string) => boolean;
}

const usualSocket = '/var/run/docker.sock';

/**
 * Finds the engine as the docker command does: DOCKER_HOST, DOCKER_CONTEXT, the current context of its configuration,
 * the usual socket. Where there is no such socket, the sockets of rootless engines and of programs that bring one, and
 * of podman.
 *
 * Throws `usage.invalid` for a configuration that leads nowhere, `provider.unavailable` where there is no engine.
 */
export async function findEngine(world: EngineWorld): Promise<EngineAddress> {
  const { env } = world;
  const host = filled(env['DOCKER_HOST']);
  if (host !== undefined) return parseEngineHost(withScheme(host), 'DOCKER_HOST', tlsOf(world));
  const configDir = dockerConfigDir(world);
  const context = filled(env['DOCKER_CONTEXT']) ?? (await currentContext(configDir));
  if (context !== undefined && context !== 'default') return readContext(configDir, context);
  return usualPlace(world);
}

function usualPlace(world: EngineWorld): EngineAddress {
  const { env, isSocket = isSocketHere } = world;
  if (isSocket(usualSocket)) return { kind: 'unix', path: usualSocket };
  const podman = filled(env['CONTAINER_HOST']);
  if (podman !== undefined) return parseEngineHost(podman, 'CONTAINER_HOST');
  const path = otherSockets(world).find(isSocket);
  if (path !== undefined) return { kind: 'unix', path };
  const reason = `no container engine was found: there is no socket at ${usualSocket}, and no other that is usual`;
  const suggestion = 'start Docker, or `podman system service`; for one that is elsewhere, set DOCKER_HOST';
  throw new SidecarError('provider.unavailable', { provider: 'docker', reason, suggestion }, { retryable: false });
}

/** Docker without root, Docker Desktop, OrbStack, Colima, Rancher Desktop; podman without root and with. */
function otherSockets({ env, homeDir }: EngineWorld): string[] {
  const runtimeDir = filled(env['XDG_RUNTIME_DIR']);
  const home = (...path: string[]): string => join(homeDir, ...path);
  const ofUser = (...path: string[]): string[] => (runtimeDir === undefined ? [] : [join(runtimeDir, ...path)]);
  return [
    ...ofUser('docker.sock'),
    home('.docker', 'run', 'docker.sock'),
    home('.docker', 'desktop', 'docker.sock'),
    home('.orbstack', 'run', 'docker.sock'),
    home('.colima', 'default', 'docker.sock'),
    home('.rd', 'docker.sock'),
    ...ofUser('podman', 'podman.sock'),
    '/run/podman/podman.sock',
  ];
}

function tlsOf(world: EngineWorld): EngineTls | undefined {
  const { env } = world;
  const verify = filled(env['DOCKER_TLS_VERIFY']) !== undefined;
  if (!verify && filled(env['DOCKER_TLS']) === undefined) return undefined;
  const directory = filled(env['DOCKER_CERT_PATH']) ?? dockerConfigDir(world);
  return { directory: isAbsolute(directory) ? directory : resolve(directory), verify };
}

function withScheme(host: string): string {
  return host.includes('://') ? host : `tcp://${host}`;
}

function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Also one that this user must not use: then that is said, and nobody wonders why another engine was asked. */
function isSocketHere(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}
