import { SidecarError } from '../../errors.js';
import type { CreateOptions } from '../provider.js';
import type { Engine } from './engine/engine.js';
import type { DockerOptions } from './options.js';

/** Has the image on the engine's machine, and tells as whom its containers run. Throws `provider.failed`. */
export async function haveImage(
  engine: Engine,
  image: string,
  { pull, platform }: Pick<DockerOptions, 'pull' | 'platform'>,
  { progress, signal }: CreateOptions,
): Promise<{ readonly user: string }> {
  const here = pull === 'always' ? undefined : await engine.image(image, { signal });
  if (here !== undefined) return here;
  if (pull !== 'never') {
    progress?.(`fetching the image ${image}`);
    await engine.pull({ image, platform, progress }, { signal });
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
