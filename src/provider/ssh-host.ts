import { isAbsolute } from 'node:path';
import { SidecarError } from '../errors.js';
import { checkName } from '../sidecars/names.js';
import type { SidecarRecord } from '../sidecars/record.js';
import { parseDestination, parseJump } from '../transport/destination.js';
import { hostKeyLine, parsePublicKey } from '../transport/public-key.js';
import { resolveSshHost } from '../transport/ssh-config.js';
import { checkOpenssh } from '../transport/openssh/choice.js';
import type { HostKeyLine, TransportName } from '../transport/target.js';
import type { Locator } from './locator.js';

export interface SshHostRequest {
  readonly name: string;
  /** `[user@]host[:port]` or an `ssh://` URL; the host may be an alias of `~/.ssh/config`. */
  readonly destination: string;
  /** An absolute path of a private key file. */
  readonly identity?: string | undefined;
  readonly workdir?: string | undefined;
  /** The hosts to jump over, as `ssh -J` takes them: `[user@]host[:port]`, with commas between them; `none` for none. */
  readonly jump?: string | undefined;
  /** The machine's key, `ssh-ed25519 AAAA… comment`. */
  readonly hostKey?: string | undefined;
  /** What is to connect. Default: chosen by what is configured. */
  readonly transport?: TransportName | undefined;
}

/** The record of a machine that exists already. Touches nothing; throws `usage.invalid`. */
export function sshHostRecord(request: SshHostRequest): SidecarRecord {
  const { name, destination, identity, workdir, hostKey, jump, transport } = request;
  if (transport === 'openssh') checkOpenssh();
  if (identity !== undefined && !isAbsolute(identity)) {
    throw new SidecarError('usage.invalid', { reason: 'the identity must be an absolute path', value: identity });
  }
  return {
    name: checkName(name),
    createdAt: new Date().toISOString(),
    hostKeys: hostKey === undefined ? [] : [parseHostKey(hostKey)],
    provider: {
      kind: 'ssh',
      ...parseDestination(destination),
      ...(identity === undefined ? {} : { identity }),
      ...(jump === undefined ? {} : { jump: parseJump(jump) }),
      ...(transport === undefined ? {} : { transport }),
    },
    ...(workdir === undefined ? {} : { workdir }),
  };
}

function parseHostKey(text: string): HostKeyLine {
  const key = parsePublicKey(text);
  if (key !== undefined) return hostKeyLine(key);
  throw new SidecarError('usage.invalid', {
    reason: "a host key is written as in known_hosts and in the server's .pub file: 'ssh-ed25519 AAAA…'",
    value: text,
  });
}

export interface SshHostDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
}

/** Any machine that `ssh` can reach. It is not ours: `delete` leaves it as it is. */
export function sshHostLocator({ env, homeDir }: SshHostDeps): Locator {
  return {
    target: async ({ provider, hostKeys, hopKeys }, { signal } = {}) => {
      if (provider.kind !== 'ssh') throw new TypeError(`not an ssh host: ${provider.kind}`);
      const { host, user, port, identity, jump, transport } = provider;
      const isPinned = hostKeys.length > 0;
      const query = { host, user, port, identity, jump, transport, hopKeys, isPinned, env, homeDir, signal };
      const resolved = await resolveSshHost(query);
      return { ...resolved, hostKeys };
    },
    delete: (record) => Promise.resolve(record),
  };
}
