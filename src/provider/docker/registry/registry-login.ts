import { join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../../../errors.js';
import type { CallOptions } from '../../provider.js';
import { dockerConfigDir, readDockerFile, type UsersWorld } from '../engine/docker-config.js';
import { askCredentialHelper } from './credential-helper.js';
import { writtenCredentials, writtenLogins, type Credentials } from './credentials.js';
import { registryOf } from './image-registry.js';

/** How the engine is to log in to the registry of an image. */
export interface RegistryLogin {
  readonly registry: string;
  /** Undefined: as nobody. */
  readonly credentials?: Credentials | undefined;
  /** Why the user's login could not be had. A public image needs none. */
  readonly trouble?: string | undefined;
}

const config = v.object({
  auths: v.nullish(writtenLogins),
  credsStore: v.nullish(v.string()),
  credHelpers: v.nullish(v.record(v.string(), v.string())),
});

/**
 * The login that `docker login` has left, found as the docker command finds it: the helper of the registry, else the store
 * of all, else the configuration itself. Throws the signal's reason on abort.
 */
export async function registryLogin(image: string, world: UsersWorld, { signal }: CallOptions): Promise<RegistryLogin> {
  const registry = registryOf(image);
  try {
    return { registry, credentials: await credentialsFor(registry, world, { signal }) };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof SidecarError ? error.facts['reason'] : undefined;
    return { registry, trouble: typeof reason === 'string' ? reason : (error as Error).message };
  }
}

async function credentialsFor(
  registry: string,
  world: UsersWorld,
  { signal }: CallOptions,
): Promise<Credentials | undefined> {
  const found = await readDockerFile(join(dockerConfigDir(world), 'config.json'), config);
  if (found === undefined) return undefined;
  const { auths, credsStore, credHelpers } = found;
  const helper = new Map(Object.entries(credHelpers ?? {})).get(registry) ?? credsStore ?? '';
  if (helper === '') return writtenCredentials(auths ?? {}, registry);
  return askCredentialHelper(helper, registry, { env: world.env, signal });
}

/** The value of `X-Registry-Auth`, https://docs.docker.com/reference/api/engine/version/v1.41/#section/Authentication. */
export function registryAuth({ registry, credentials }: RegistryLogin): string | undefined {
  if (credentials === undefined) return undefined;
  const text = Buffer.from(JSON.stringify({ ...credentials, serveraddress: registry })).toString('base64');
  // URL-safe and padded: engines take no other.
  return text.replaceAll('+', '-').replaceAll('/', '_');
}
