/** Docker Hub, as docker's configuration calls it. */
export const dockerHub = 'https://index.docker.io/v1/';

/** The registry of an image, as docker's configuration names it: https://github.com/distribution/reference, `splitDockerDomain`. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  return isHost && first !== 'docker.io' && first !== 'index.docker.io' ? first : dockerHub;
}
