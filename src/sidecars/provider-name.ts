/** What `--provider` takes for a program that somebody else wrote: it becomes part of the name of a file. */
export const providerNamePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** For messages: what `isProgramProviderName` takes. */
export const providerNameRule =
  'a provider name has up to 63 lower-case letters, digits and dashes and begins with a letter; local, docker, swarm, ssh and api are taken';

/** Of the providers that come with sidecar, today or later: no program may pass for one. */
const reservedProviderNames: readonly string[] = ['local', 'docker', 'swarm', 'ssh', 'api'];

export function isProgramProviderName(name: string): boolean {
  return providerNamePattern.test(name) && !reservedProviderNames.includes(name);
}
