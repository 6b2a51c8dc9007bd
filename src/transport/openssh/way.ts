import type { SshDump } from '../ssh-dump.js';
import type { OpensshWay } from '../target.js';

/** How ssh is started for a host: by the options and the host in `args`, with `identity` before the keys that are configured. */
export function opensshWay({
  args,
  identity,
  dump,
  env,
  why,
}: {
  readonly args: readonly string[];
  readonly identity?: string | undefined;
  readonly dump: SshDump;
  readonly env: NodeJS.ProcessEnv;
  readonly why: string;
}): OpensshWay {
  return {
    arguments: [
      ...undone(dump),
      ...(identity === undefined ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes']),
      ...args,
    ],
    env,
    why,
  };
}

/** What would take the connection out of our hands. Older versions do not know these, so only where they are configured. */
function undone(dump: SshDump): string[] {
  if (dump.kind !== 'options') return [];
  return Object.entries({ KnownHostsCommand: 'none', ForkAfterAuthentication: 'no' })
    .filter(([name, off]) => dump.values(name.toLowerCase()).some((value) => value !== off))
    .flatMap(([name, off]) => ['-o', `${name}=${off}`]);
}
