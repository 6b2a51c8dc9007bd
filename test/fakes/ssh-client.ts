import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { hostKeyPolicy } from '../../src/transport/host-trust.js';
import { loadIdentities, type Identities, type IdentityAttempt } from '../../src/transport/identities.js';
import { OneKeyAgent, type Sign } from '../../src/transport/one-key-agent.js';
import { connectSsh2, type Connected, type ConnectOptions, type Hop } from '../../src/transport/ssh2/connect.js';
import { hopsOf, type Route, type SshTarget } from '../../src/transport/target.js';

export interface Login extends Partial<Omit<ConnectOptions, 'target' | 'hops'>> {
  readonly host?: string;
  readonly port: number;
  readonly user?: string;
  /** The pinned host key. Absent: the first one shown is trusted. */
  readonly hostKeyLine?: string;
  /** Private key files. */
  readonly keys?: readonly string[];
  readonly knownHostsFiles?: readonly string[];
  readonly revokedHostKeysFile?: string;
  readonly firstUseRefusedBy?: string;
  readonly agentSocket?: string;
  readonly route?: Route;
  /** Servers to jump over, the first to connect to first. */
  readonly over?: readonly Login[];
}

/** The whole way of an attempt to connect, with nothing of the user's own: no agent, no known_hosts. */
export async function connectTo(login: Login): Promise<Connected> {
  const target = targetFor(login);
  const { timeoutMs = 20_000, signal, keepaliveMs = 15_000, env = process.env } = login;
  const hostKeys = login.hostKeys ?? (await hostKeyPolicy(target));
  const identities = login.identities ?? (await loadIdentities({ target }));
  const hops = await Promise.all(hopsOf(target).map(hopTo));
  return connectSsh2({ target, hostKeys, identities, hops, env, timeoutMs, signal, keepaliveMs });
}

async function hopTo(target: SshTarget): Promise<Hop> {
  const [hostKeys, identities] = await Promise.all([hostKeyPolicy(target), loadIdentities({ target })]);
  return { target, hostKeys, identities, onAccepted: () => Promise.resolve() };
}

export function targetFor(login: Login): SshTarget {
  const { host = '127.0.0.1', port, user = 'dev', hostKeyLine, keys = [], knownHostsFiles = [] } = login;
  const { agentSocket, route, over = [], revokedHostKeysFile, firstUseRefusedBy } = login;
  const last = over.at(-1);
  const jump = last && ({ kind: 'jump', over: targetFor({ ...last, over: over.slice(0, -1) }) } as const);
  const way = route ?? jump;
  return {
    alias: 'dev-1',
    host,
    port,
    user,
    ...(way && { route: way }),
    ...(agentSocket !== undefined && { agentSocket }),
    ...(revokedHostKeysFile !== undefined && { revokedHostKeysFile }),
    ...(firstUseRefusedBy !== undefined && { firstUseRefusedBy }),
    hostKeys: hostKeyLine === undefined ? [] : [hostKeyLine],
    identityFiles: keys,
    identitiesOnly: false,
    knownHostsFiles,
  };
}

/** One key that signs as `sign` says. */
export async function identitySigning(path: string, sign: Sign): Promise<Identities> {
  const key = ssh2.utils.parseKey(await readFile(path));
  if (key instanceof Error) throw key;
  const attempt: IdentityAttempt = { description: path, fingerprint: '', agent: new OneKeyAgent(key, sign) };
  return { attempts: [attempt], lockedFiles: [], unsupported: [] };
}
