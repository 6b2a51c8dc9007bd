import type { ImageHere } from './engine/engine.js';

/** Other names of architectures: https://github.com/containerd/platforms, "Normalization". */
const goNames: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  i386: '386',
};

/**
 * Whether an image is for a platform, `OS/ARCHITECTURE` with any variant, or one of both. An engine that does not say
 * what its image is for is believed to have the right one.
 */
export function isOf(
  { os, architecture }: Pick<ImageHere, 'os' | 'architecture'>,
  platform: string | undefined,
): boolean {
  if (platform === undefined || os === '' || architecture === '') return true;
  const is = (word: string): boolean => word === os || (goNames[word] ?? word) === architecture;
  return platform.split('/').slice(0, 2).every(is);
}
