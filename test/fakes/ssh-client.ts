import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { hostKeyPolicy } from '../../src/transport/host-trust.js';
import { loadIdentities, type Identities, type IdentityAttempt } from '../../src/transport/identities.js';
import { OneKeyAgent, type Sign } from '../../src/transport/one-key-agent.js';
import { connectSsh2, type Connected, type ConnectOptions } from '../../src/transport/ssh2/connect.js';
import type { SshTarget } from '../../src/transport/target.js';

export interface Login extends Partial<Omit<ConnectOptions, 'target'>> {
  readonly host?: string;
  readonly port: number;
  readonly user?: string;
  /** The pinned host key. Absent: the first one shown is trusted. */
  readonly hostKeyLine?: string;
  /** Private key files. */
  readonly keys?: readonly string[];
}

/** The whole way of an attempt to connect, with nothing of the user's own: no agent, no known_hosts. */
export async function connectTo(login: Login): Promise<Connected> {
  const target = targetFor(login);
  const { timeoutMs = 20_000, signal, keepaliveMs = 15_000 } = login;
  const hostKeys = login.hostKeys ?? (await hostKeyPolicy(target));
  const identities = login.identities ?? (await loadIdentities({ target }));
  return connectSsh2({ target, hostKeys, identities, timeoutMs, signal, keepaliveMs });
}

export function targetFor({ host = '127.0.0.1', port, user = 'dev', hostKeyLine, keys = [] }: Login): SshTarget {
  return {
    alias: 'dev-1',
    host,
    port,
    user,
    hostKeys: hostKeyLine === undefined ? [] : [hostKeyLine],
    identityFiles: keys,
    identitiesOnly: false,
    knownHostsFiles: [],
  };
}

/** One key that signs as `sign` says. */
export async function identitySigning(path: string, sign: Sign): Promise<Identities> {
  const key = ssh2.utils.parseKey(await readFile(path));
  if (key instanceof Error) throw key;
  const attempt: IdentityAttempt = { description: path, fingerprint: '', agent: new OneKeyAgent(key, sign) };
  return { attempts: [attempt], lockedFiles: [], unsupported: [] };
}
