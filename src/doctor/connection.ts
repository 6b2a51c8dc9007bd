import { SidecarError } from '../errors.js';
import type { HostKeyPolicy, HostKeyVerdict } from '../transport/host-trust.js';
import type { Identities } from '../transport/identities.js';
import type { Hop } from '../transport/ssh2/connect.js';
import { atHop } from '../transport/ssh2/hop.js';
import { hopsOf, type SshTarget } from '../transport/target.js';
import type { Transport } from '../transport/transport.js';
import { stepMs } from './limit.js';
import type { Patient } from './patient.js';

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
  patient: Pick<Patient, 'askPassphrase' | 'env' | 'signal'>,
): Promise<Attempt> {
  if (target.openssh !== undefined) return tryWithOpenssh(target, patient);
  const { askPassphrase, env, signal } = patient;
  const [{ hostKeyPolicy }, { loadIdentities }, { connectSsh2, greetSsh2 }] = await Promise.all([
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
    const unlock = askPassphrase === undefined ? {} : { askPassphrase };
    const hops: Hop[] = [];
    for (const hop of hopsOf(target)) {
      const known = await hostKeyPolicy(hop);
      const identities = await loadIdentities({ target: hop, ...unlock }).catch((error: unknown) => {
        throw error instanceof SidecarError ? atHop(error, { hop: hop.alias, to: target }) : error;
      });
      hops.push({ target: hop, hostKeys: known, identities, onAccepted: () => Promise.resolve() });
    }
    const way = { target, hostKeys, hops, env, timeoutMs: stepMs, signal };
    let identities: Identities;
    try {
      identities = await loadIdentities({ target, ...unlock });
    } catch (error) {
      await greetSsh2(way);
      throw error;
    }
    if (identities.attempts.length === 0) await greetSsh2(way);
    const { transport } = await connectSsh2({ ...way, identities });
    if (shown.hostKey === undefined) throw new Error('the host key was not asked about');
    return { reached: 'session', hostKey: shown.hostKey, transport };
  } catch (error) {
    return reachedAt(error, shown.hostKey, signal);
  }
}

async function tryWithOpenssh(
  target: SshTarget,
  { askPassphrase, signal }: Pick<Patient, 'askPassphrase' | 'signal'>,
): Promise<Attempt> {
  const [{ connectOpenssh }, { Passphrases }] = await Promise.all([
    import('../transport/openssh/connect.js'),
    import('../transport/openssh/passphrases.js'),
  ]);
  const passphrases = askPassphrase === undefined ? undefined : new Passphrases(askPassphrase);
  let hostKey: KnownHostKey | undefined;
  const onHostKey = (accepted: KnownHostKey): void => void (hostKey = accepted);
  try {
    const connected = await connectOpenssh({ target, passphrases, onHostKey, timeoutMs: stepMs, signal });
    return { reached: 'session', ...connected };
  } catch (error) {
    return reachedAt(error, hostKey, signal);
  }
}

function reachedAt(error: unknown, hostKey: KnownHostKey | undefined, signal: AbortSignal): Attempt {
  signal.throwIfAborted();
  if (!(error instanceof SidecarError)) throw error;
  if (hostKey !== undefined) return { reached: 'host', hostKey, error };
  return { reached: isBeforeThePort(error) ? 'nothing' : 'port', error };
}

/**
 * Whether the machine itself was not reached. A configuration that cannot be used is no word of the other side, and what is
 * wrong with a host on the way is none of its own.
 */
function isBeforeThePort({ code, facts }: SidecarError): boolean {
  return code === 'ssh.config_invalid' || facts['stage'] === 'dial' || facts['hop'] !== undefined;
}
