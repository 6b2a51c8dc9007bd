import { SidecarError } from '../../errors.js';
import type { CreateOptions } from '../provider.js';
import type { UsersWorld } from './engine/docker-config.js';
import type { Engine, ImageHere } from './engine/engine.js';
import type { DockerOptions } from './options.js';
import { isOf } from './platform.js';
import { registryLogin } from './registry/registry-login.js';

export interface ImageDeps {
  readonly engine: Engine;
  /** Whose logins at registries count. */
  readonly world: UsersWorld;
}

/**
 * Has the image on the engine's machine, and tells as whom its containers run. One that is there for another platform
 * than the one that is asked for is not there. Throws `provider.failed`, and `usage.invalid` for a broken configuration of
 * docker's.
 */
export async function haveImage(
  { engine, world }: ImageDeps,
  image: string,
  { pull, platform }: Pick<DockerOptions, 'pull' | 'platform'>,
  { progress, signal }: CreateOptions,
): Promise<ImageHere> {
  const there = await engine.image(image, { signal });
  const isWanted = (found: ImageHere | undefined): found is ImageHere => found !== undefined && isOf(found, platform);
  if (isWanted(there) && pull !== 'always') return there;
  if (pull === 'never') throw notThere(engine, { image, platform, there });
  progress?.(`fetching the image ${image}`);
  const login = await registryLogin(image, world, { signal });
  const isThere = isWanted(there);
  await engine.pull({ image, platform, login, progress, isThere }, { signal });
  const fetched = await engine.image(image, { signal });
  if (isWanted(fetched)) return fetched;
  throw notThere(engine, { image, platform, there: fetched });
}

function notThere(
  { host }: Engine,
  { image, platform, there }: { image: string; platform: string | undefined; there: ImageHere | undefined },
): SidecarError {
  const [reason, suggestion] =
    there === undefined
      ? [`there is no image ${image} at ${host}`, 'build it, or leave out `pull=never`']
      : [
          `the image ${image} at ${host} is for ${there.os}/${there.architecture}, and not for ${platform ?? ''}`,
          `leave out \`platform\`, or see \`docker pull --platform ${platform ?? ''} ${image}\``,
        ];
  return new SidecarError('provider.failed', { reason, suggestion }, { retryable: false });
}

/** Throws `usage.invalid` for what names no image. */
export function checkImage(image: string | undefined): string {
  const suggestion = 'name one that has sh, git and sshd, with --image';
  if (image === undefined) throw new SidecarError('usage.invalid', { reason: 'docker needs an image', suggestion });
  const isName = /^[a-zA-Z0-9]/.test(image) && /^[\w.:/@-]{1,512}$/.test(image) && !image.includes('..');
  if (isName) return image;
  throw new SidecarError('usage.invalid', { reason: `${image} is not the name of an image`, suggestion });
}
