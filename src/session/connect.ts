import type { Emit } from '../events.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { Identities } from '../transport/identities.js';
import type { Hop } from '../transport/ssh2/connect.js';
import type { AcceptedHostKey } from '../transport/ssh2/host-verifier.js';
import { hopsOf, type HostKeyLine, type SshTarget } from '../transport/target.js';
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
 * The way to connect to one sidecar over ssh2: host trust, keys, connection, and pinning a key that was learned, for the
 * sidecar itself and each hop on the way. Keeps the unlocked keys from attempt to attempt, so that nobody is asked for the
 * same passphrase twice.
 */
export function sshConnect({ askPassphrase, pin, emit, forwardAgent = false, env }: SshConnectOptions): Connect {
  const loaded = new Map<string, Promise<Identities>>();
  /** The keys of hops that were pinned since the target was asked for, by name. */
  const learned = new Map<string, HostKeyLine>();
  const unlock = askPassphrase === undefined ? {} : { askPassphrase: askedOnce(askPassphrase) };

  let isTold = false;
  const agentOf = ({ alias, agentSocket, forwardAgent: socket = agentSocket }: SshTarget) => {
    const tell = (reason: 'none' | 'refused'): void => {
      if (!isTold) emit({ kind: 'agent.not_forwarded', host: alias, reason });
      isTold = true;
    };
    if (socket !== undefined) return { socket, onRefused: () => tell('refused') };
    tell('none');
    return undefined;
  };

  return async (target, { timeoutMs, signal }) => {
    const { hostKeyPolicy, loadIdentities, connectSsh2, hostKeyName } = await loadTransport();
    const identitiesOf = (each: SshTarget): Promise<Identities> => {
      const key = JSON.stringify([each.alias, each.host, each.port, each.user]);
      const identities = loaded.get(key) ?? loadIdentities({ target: each, ...unlock });
      loaded.set(key, identities);
      return identities;
    };
    const remember = async (key: AcceptedHostKey, server: SshTarget, hop?: string): Promise<void> => {
      if (key.kind === 'pinned') return;
      const { line, keyType, fingerprint, source } = key;
      await pin(line, hop === undefined ? undefined : hostKeyName(server));
      if (hop !== undefined) learned.set(hostKeyName(server), line);
      emit({
        ...{ kind: 'hostkey.pinned', host: server.alias, keyType, fingerprint, source },
        ...(hop === undefined ? {} : { hop }),
      });
    };

    const hops: Hop[] = [];
    // One after the other: these may put a question to the user.
    for (const each of hopsOf(target)) {
      const hostKey = learned.get(hostKeyName(each));
      const hop = each.hostKeys.length > 0 || hostKey === undefined ? each : { ...each, hostKeys: [hostKey] };
      const identities = await identitiesOf(hop);
      const onAccepted = (key: AcceptedHostKey): Promise<void> => remember(key, hop, hop.alias);
      hops.push({ target: hop, hostKeys: await hostKeyPolicy(hop), identities, onAccepted });
    }
    const [hostKeys, identities] = [await hostKeyPolicy(target), await identitiesOf(target)];
    const agent = forwardAgent ? agentOf(target) : undefined;
    const { transport, hostKey } = await connectSsh2({
      ...{ target, hostKeys, identities, hops, env, timeoutMs, signal },
      ...(agent === undefined ? {} : { forwardAgent: agent }),
    });
    try {
      await remember(hostKey, target);
    } catch (error) {
      await transport.close();
      throw error;
    }
    return transport;
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

/** ssh2 takes 90 ms to load, which a command that needs no session should not pay. */
async function loadTransport() {
  const [{ hostKeyPolicy }, { loadIdentities }, { connectSsh2 }, { hostKeyName }] = await Promise.all([
    import('../transport/host-trust.js'),
    import('../transport/identities.js'),
    import('../transport/ssh2/connect.js'),
    import('../transport/known-hosts.js'),
  ]);
  return { hostKeyPolicy, loadIdentities, connectSsh2, hostKeyName };
}
