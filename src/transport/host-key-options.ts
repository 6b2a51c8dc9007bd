import { existsSync } from 'node:fs';
import type { Values } from './ssh-dump.js';
import type { SshTarget } from './target.js';

/** What the user's configuration says of host keys. `places` are where a path may be, as ssh prints it or expanded first. */
export function hostKeyOptions(
  values: Values,
  places: { readonly printed: (path: string) => string[]; readonly expanded: (path: string) => string[] },
): Pick<SshTarget, 'knownHostsFiles' | 'revokedHostKeysFile' | 'firstUseRefusedBy'> {
  return {
    knownHostsFiles: [...values('userknownhostsfile'), ...values('globalknownhostsfile')]
      .flatMap(splitPaths)
      .flatMap(places.printed),
    ...revokedKeys(values, places.expanded),
    ...firstUse(values),
  };
}

/** Several paths on one line, which ssh prints without quotes: a new one starts where an absolute path does. */
function splitPaths(value: string): string[] {
  return value === 'none' ? [] : value.split(/ (?=[/~]|[A-Za-z]:[\\/])/);
}

/** RevokedHostKeys: the file, in the first home directory that has it. */
function revokedKeys(
  values: Values,
  places: (path: string) => readonly string[],
): Pick<SshTarget, 'revokedHostKeysFile'> {
  const option = values('revokedhostkeys').find((path) => path !== 'none');
  if (option === undefined) return {};
  const paths = places(option);
  return { revokedHostKeysFile: paths.find((path) => existsSync(path)) ?? paths[0] ?? option };
}

/**
 * What keeps a key that nobody knows from being trusted. A KnownHostsCommand is one: what it knows of the host, nobody here
 * asks it, and to trust another key than that would be worse than to refuse one that it does not know either.
 */
function firstUse(values: Values): Pick<SshTarget, 'firstUseRefusedBy'> {
  const commands = values('knownhostscommand').filter((command) => command !== 'none');
  if (commands.length > 0) return { firstUseRefusedBy: 'KnownHostsCommand' };
  const isStrict = values('stricthostkeychecking').some((value) => value === 'true' || value === 'yes');
  return isStrict ? { firstUseRefusedBy: 'StrictHostKeyChecking yes' } : {};
}
