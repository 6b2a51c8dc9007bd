import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { ForwardedAgent } from '../transport/forwarded-agent.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { Identities } from '../transport/identities.js';
import { hostKeyName } from '../transport/known-hosts.js';
import type { Passphrases } from '../transport/openssh/passphrases.js';
import type { Hop } from '../transport/ssh2/connect.js';
import { atHop } from '../transport/ssh2/hop.js';
import type { AcceptedHostKey } from '../transport/ssh2/host-verifier.js';
import { hopsOf, type HostKeyLine, type SshTarget } from '../transport/target.js';
import type { Transport } from '../transport/transport.js';
import type { Connect } from './open.js';

export interface SshConnectOptions {
  /** Absent: there is nobody to ask, and encrypted keys are passed over. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /**
   * Remembers a host key that was learned, for good: the sidecar's own, or that of a `hop` on the way, by its `hostKeyName`.
   * A session whose key cannot be remembered is not opened.
   */
  readonly pin: (key: HostKeyLine, hop?: string) => Promise<void>;
  readonly emit: Emit;
  /** Have commands over there use the agent of here: that of the target's configuration, else the one that is used here. */
  readonly forwardAgent?: boolean | undefined;
  /** What commands that lead to a server are started with, and where a proxy is named. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The way to connect to one sidecar: host trust, keys, connection, and pinning a key that was learned. Over ssh2, or over
 * the user's own ssh where the target says so. Keeps what was unlocked from attempt to attempt, so that nobody is asked for
 * the same passphrase twice.
 */
export function sshConnect(options: SshConnectOptions): Connect {
  const { pin, emit } = options;
  const remember: Remember = async (key, server, hop) => {
    // Nor is there anything to remember of what an authority in known_hosts vouches for.
    if (key.kind !== 'learn') return;
    const { line, keyType, fingerprint, source } = key;
    await pin(line, hop === undefined ? undefined : hostKeyName(server));
    emit({
      ...{ kind: 'hostkey.pinned', host: server.alias, keyType, fingerprint, source },
      ...(hop === undefined ? {} : { hop }),
    });
  };
  const agentOf = agentFor(options);
  const overSsh2 = ssh2Way(options, remember, agentOf);
  const overOpenssh = opensshWay(options, agentOf);

  return async (target, limits) => {
    const way = target.openssh === undefined ? overSsh2 : overOpenssh;
    const { transport, hostKey } = await way(target, limits);
    try {
      await remember(hostKey, target);
    } catch (error) {
      await transport.close();
      throw error;
    }
    return transport;
  };
}

/** Of the sidecar, or of a `hop` on the way. */
type Remember = (key: AcceptedHostKey, server: SshTarget, hop?: string) => Promise<void>;

type ConnectOnce = (
  ...attempt: Parameters<Connect>
) => Promise<{ readonly transport: Transport; readonly hostKey: AcceptedHostKey }>;

/** The agent to forward, where one is wanted and there. What is amiss with it is told once. */
type AgentOf = (target: SshTarget) => ForwardedAgent | undefined;

function agentFor({ emit, forwardAgent = false }: SshConnectOptions): AgentOf {
  let isTold = false;
  return ({ alias, agentSocket, forwardAgent: socket = agentSocket }) => {
    const tell = (reason: 'none' | 'refused'): void => {
      if (!isTold) emit({ kind: 'agent.not_forwarded', host: alias, reason });
      isTold = true;
    };
    if (!forwardAgent) return undefined;
    if (socket !== undefined) return { socket, onRefused: () => tell('refused') };
    tell('none');
    return undefined;
  };
}

/** ssh2 takes 90 ms to load, which a command that needs no session should not pay. */
function ssh2Way({ askPassphrase, env }: SshConnectOptions, remember: Remember, agentOf: AgentOf): ConnectOnce {
  const loaded = new Map<string, Promise<Identities>>();
  /** The keys of hops that were pinned since the target was asked for, by name. */
  const learned = new Map<string, HostKeyLine>();
  const unlock = askPassphrase === undefined ? {} : { askPassphrase: askedOnce(askPassphrase) };

  return async (target, { timeoutMs, signal }) => {
    const { hostKeyPolicy, loadIdentities, connectSsh2 } = await loadTransport();
    const identitiesOf = (each: SshTarget): Promise<Identities> => {
      const key = JSON.stringify([each.alias, each.host, each.port, each.user]);
      const identities = loaded.get(key) ?? loadIdentities({ target: each, ...unlock });
      loaded.set(key, identities);
      return identities;
    };

    const hops: Hop[] = [];
    // One after the other: these may put a question to the user.
    for (const each of hopsOf(target)) {
      const hostKey = learned.get(hostKeyName(each));
      const hop = each.hostKeys.length > 0 || hostKey === undefined ? each : { ...each, hostKeys: [hostKey] };
      const identities = await identitiesOf(hop).catch((error: unknown) => {
        throw error instanceof SidecarError ? atHop(error, { hop: hop.alias, to: target }) : error;
      });
      const onAccepted = async (key: AcceptedHostKey): Promise<void> => {
        await remember(key, hop, hop.alias);
        if (key.kind === 'learn') learned.set(hostKeyName(hop), key.line);
      };
      hops.push({ target: hop, hostKeys: await hostKeyPolicy(hop), identities, onAccepted });
    }
    const [hostKeys, identities] = [await hostKeyPolicy(target), await identitiesOf(target)];
    const forwardAgent = agentOf(target);
    return connectSsh2({ target, hostKeys, identities, hops, forwardAgent, env, timeoutMs, signal });
  };
}

function opensshWay({ askPassphrase, emit }: SshConnectOptions, agentOf: AgentOf): ConnectOnce {
  let passphrases: Passphrases | undefined;
  return async (target, limits) => {
    const [{ connectOpenssh }, { Passphrases }] = await Promise.all([
      import('../transport/openssh/connect.js'),
      import('../transport/openssh/passphrases.js'),
    ]);
    if (askPassphrase !== undefined) passphrases ??= new Passphrases(askPassphrase);
    const show = (text: string): void => emit({ kind: 'connect.prompt', host: target.alias, text });
    return connectOpenssh({ target, passphrases, show, forwardAgent: agentOf(target), ...limits });
  };
}

/** A key that is good for several servers is unlocked for each of them, and asked about once. */
function askedOnce(ask: AskPassphrase): AskPassphrase {
  const answers = new Map<string, Promise<string | undefined>>();
  return (path, retry) => {
    const answer = (retry ? undefined : answers.get(path)) ?? ask(path, retry);
    answers.set(path, answer);
    return answer;
  };
}

async function loadTransport() {
  const [{ hostKeyPolicy }, { loadIdentities }, { connectSsh2 }] = await Promise.all([
    import('../transport/host-trust.js'),
    import('../transport/identities.js'),
    import('../transport/ssh2/connect.js'),
  ]);
  return { hostKeyPolicy, loadIdentities, connectSsh2 };
}
