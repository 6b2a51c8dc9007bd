import type { Emit } from '../events.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { HostKeyLine } from '../transport/target.js';
import type { Connect } from './open.js';
import type { Identities } from '../transport/identities.js';

export interface SshConnectOptions {
  /** Absent: there is nobody to ask, and encrypted keys are passed over. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** Remembers a host key that was learned, for good. A session whose key cannot be remembered is not opened. */
  readonly pin: (key: HostKeyLine) => Promise<void>;
  readonly emit: Emit;
}

/**
 * The way to connect to one sidecar over ssh2: host trust, keys, connection, and pinning a key that was learned. Keeps
 * the unlocked keys from attempt to attempt, so that nobody is asked for the same passphrase twice.
 */
export function sshConnect({ askPassphrase, pin, emit }: SshConnectOptions): Connect {
  let identities: Promise<Identities> | undefined;
  return async (target, { timeoutMs, signal }) => {
    const { hostKeyPolicy, loadIdentities, connectSsh2 } = await loadTransport();
    const hostKeys = await hostKeyPolicy(target);
    identities ??= loadIdentities({ target, ...(askPassphrase === undefined ? {} : { askPassphrase }) });
    const attempt = { target, hostKeys, identities: await identities, timeoutMs, signal };
    const { transport, hostKey } = await connectSsh2(attempt);
    if (hostKey.kind === 'pinned') return transport;
    const { line, keyType, fingerprint, source } = hostKey;
    try {
      await pin(line);
    } catch (error) {
      await transport.close();
      throw error;
    }
    emit({ kind: 'hostkey.pinned', host: target.alias, keyType, fingerprint, source });
    return transport;
  };
}

/** ssh2 takes 90 ms to load, which a command that needs no session should not pay. */
async function loadTransport() {
  const [{ hostKeyPolicy }, { loadIdentities }, { connectSsh2 }] = await Promise.all([
    import('../transport/host-trust.js'),
    import('../transport/identities.js'),
    import('../transport/ssh2/connect.js'),
  ]);
  return { hostKeyPolicy, loadIdentities, connectSsh2 };
}
