import { SidecarError } from '../errors.js';
import type { HostKeyPolicy, HostKeyVerdict } from '../transport/host-trust.js';
import type { Identities } from '../transport/identities.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { SshTarget } from '../transport/target.js';
import type { Transport } from '../transport/transport.js';
import { stepMs } from './limit.js';

/** How far one attempt to open a session came. */
export type Attempt =
  | { readonly reached: 'nothing'; readonly error: SidecarError }
  | { readonly reached: 'port'; readonly error: SidecarError }
  | { readonly reached: 'host'; readonly hostKey: KnownHostKey; readonly error: SidecarError }
  | { readonly reached: 'session'; readonly hostKey: KnownHostKey; readonly transport: Transport };

export type KnownHostKey = Exclude<HostKeyVerdict, { kind: 'refused' }>;

/**
 * One attempt to log in, and no second one. Unlike a session's, a host key that is new is not remembered; and where there
 * is no key to log in with, the host is asked for its own all the same.
 *
 * Throws the signal's reason.
 */
export async function tryToConnect(
  target: SshTarget,
  { askPassphrase, signal }: { readonly askPassphrase?: AskPassphrase | undefined; readonly signal: AbortSignal },
): Promise<Attempt> {
  const [{ hostKeyPolicy }, { loadIdentities }, { connectSsh2 }] = await Promise.all([
    import('../transport/host-trust.js'),
    import('../transport/identities.js'),
    import('../transport/ssh2/connect.js'),
  ]);
  const shown: { hostKey?: KnownHostKey } = {};
  try {
    const policy = await hostKeyPolicy(target);
    const hostKeys: HostKeyPolicy = {
      preferredAlgorithms: policy.preferredAlgorithms,
      verdict: (blob) => {
        const verdict = policy.verdict(blob);
        if (verdict.kind !== 'refused') shown.hostKey = verdict;
        return verdict;
      },
    };
    let identities: Identities;
    try {
      identities = await loadIdentities({ target, ...(askPassphrase === undefined ? {} : { askPassphrase }) });
    } catch (error) {
      await shakeHands(target, { hostKeys, signal });
      throw error;
    }
    if (identities.attempts.length === 0) await shakeHands(target, { hostKeys, signal });
    const { transport } = await connectSsh2({ target, hostKeys, identities, timeoutMs: stepMs, signal });
    if (shown.hostKey === undefined) throw new Error('the host key was not asked about');
    return { reached: 'session', hostKey: shown.hostKey, transport };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SidecarError)) throw error;
    if (shown.hostKey !== undefined) return { reached: 'host', hostKey: shown.hostKey, error };
    return { reached: isBeforeThePort(error) ? 'nothing' : 'port', error };
  }
}

/** Whether not even a TCP connection was made. A configuration that cannot be used is no word of the other side. */
function isBeforeThePort({ code, facts }: SidecarError): boolean {
  return code === 'ssh.config_invalid' || facts['stage'] === 'dial';
}

/** Connects as far as the host key, with nothing to log in with. Throws what keeps it from that. */
async function shakeHands(
  target: SshTarget,
  { hostKeys, signal }: { readonly hostKeys: HostKeyPolicy; readonly signal: AbortSignal },
): Promise<void> {
  const [{ AttemptTimer }, { dial }] = await Promise.all([
    import('../transport/ssh2/attempt-timer.js'),
    import('../transport/ssh2/dial.js'),
  ]);
  const timer = new AttemptTimer(stepMs);
  try {
    const dialed = await dial({ target, hostKeys, identities: [], timer, signal, keepaliveMs: stepMs });
    // A server that lets everybody in.
    if (dialed.kind === 'open') await dialed.transport.close();
  } finally {
    timer.pause();
  }
}
