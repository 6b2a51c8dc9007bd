import { connectOpenssh, type Connected, type ConnectOptions } from '../../src/transport/openssh/connect.js';
import type { SshTarget } from '../../src/transport/target.js';
import { targetFor, type Login } from './ssh-client.js';

export interface OpensshLogin extends Partial<Omit<ConnectOptions, 'target'>>, Pick<Login, 'host' | 'user' | 'keys'> {
  readonly port: number;
  /** The pinned host key. Absent: the first one shown is trusted. */
  readonly hostKeyLine?: string;
  readonly knownHostsFiles?: readonly string[];
  readonly revokedHostKeysFile?: string;
  readonly firstUseRefusedBy?: string;
  /** Further options of ssh, `-o`. */
  readonly options?: readonly string[];
  /** A file of ssh_config(5). Absent: none. */
  readonly config?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** One attempt by the ssh of this machine, with nothing of the user's own: no configuration, no agent, no known_hosts. */
export function connectOpensshTo(login: OpensshLogin): Promise<Connected> {
  return connectOpenssh({ timeoutMs: 20_000, ...login, target: opensshTargetFor(login) });
}

function opensshTargetFor(login: OpensshLogin): SshTarget {
  const { options = [], env = { ...process.env, SSH_AUTH_SOCK: undefined }, knownHostsFiles = [], hostKeyLine } = login;
  const { host, port, user = 'dev', keys = [], revokedHostKeysFile, firstUseRefusedBy, config = 'none' } = login;
  const target = targetFor({
    port,
    user,
    keys,
    ...(host === undefined ? {} : { host }),
    ...(revokedHostKeysFile === undefined ? {} : { revokedHostKeysFile }),
    ...(firstUseRefusedBy === undefined ? {} : { firstUseRefusedBy }),
    ...(hostKeyLine === undefined ? {} : { hostKeyLine }),
  });
  return {
    ...target,
    knownHostsFiles,
    openssh: {
      arguments: [
        ...['-F', config, '-p', String(port), '-l', user, '-o', 'IdentitiesOnly=yes'],
        ...keys.flatMap((key) => ['-i', key]),
        ...options.flatMap((option) => ['-o', option]),
        ...['--', target.host],
      ],
      env,
      why: 'asked for',
    },
  };
}
