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
 * than the one that is asked for is fetched; whether it is the right one then, the engine knows best, which may have it for
 * several. Throws `provider.failed`.
 */
export async function haveImage(
  { engine, world }: ImageDeps,
  image: string,
  { pull, platform }: Pick<DockerOptions, 'pull' | 'platform'>,
  { progress, signal }: CreateOptions,
): Promise<ImageHere> {
  const there = await engine.image(image, { signal });
  const isWanted = there !== undefined && (pull === 'never' || isOf(there, platform));
  if (isWanted && pull !== 'always') return there;
  if (pull !== 'never') {
    progress?.(`fetching the image ${image}`);
    const login = await registryLogin(image, world, { signal });
    await engine.pull({ image, platform, login, progress, isThere: isWanted }, { signal });
    const fetched = await engine.image(image, { signal });
    if (fetched !== undefined) return fetched;
  }
  const reason = `there is no image ${image} at ${engine.host}`;
  const suggestion = pull === 'never' ? 'build it, or leave out `pull=never`' : `see \`docker pull ${image}\``;
  throw new SidecarError('provider.failed', { reason, suggestion }, { retryable: false });
}

/** Throws `usage.invalid` for what names no image. */
export function checkImage(image: string | undefined): string {
  const suggestion = 'name one that has sh, git and sshd, with --image';
  if (image === undefined) throw new SidecarError('usage.invalid', { reason: 'docker needs an image', suggestion });
  const isName = /^[a-zA-Z0-9]/.test(image) && /^[\w.:/@-]{1,512}$/.test(image) && !image.includes('..');
  if (isName) return image;
  throw new SidecarError('usage.invalid', { reason: `${image} is not the name of an image`, suggestion });
}
