import { SidecarError } from '../../errors.js';
import type { HostKeyPolicy } from '../host-trust.js';
import type { Identities } from '../identities.js';
import type { SshTarget } from '../target.js';
import type { Transport } from '../transport.js';
import { AttemptTimer } from './attempt-timer.js';
import { dial, type Refused } from './dial.js';
import type { AcceptedHostKey } from './host-verifier.js';

export interface ConnectOptions {
  readonly target: SshTarget;
  readonly hostKeys: HostKeyPolicy;
  readonly identities: Identities;
  /** The limit of the whole attempt, in milliseconds. Time that the user needs for a passphrase does not count. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** How often a silent server is asked for a sign of life, in milliseconds. Three unanswered ones are a loss. */
  readonly keepaliveMs?: number;
}

export interface Connected {
  readonly transport: Transport;
  /** Why the server's key was accepted. One that was learned is for the caller to pin. */
  readonly hostKey: AcceptedHostKey;
}

/**
 * One attempt to open an authenticated connection.
 *
 * sshd hangs up after MaxAuthTries keys (6 by default), so each connection offers a few and a fresh one goes on with
 * the rest.
 *
 * Throws `ssh.unreachable` (retryable where waiting may help), `ssh.protocol`, the host key policy's refusal,
 * `ssh.auth_refused`, `ssh.passphrase_needed` when a key is left that nobody unlocked, or the signal's reason.
 */
export async function connectSsh2(options: ConnectOptions): Promise<Connected> {
  const { target, hostKeys, identities, timeoutMs, signal, keepaliveMs = 15_000 } = options;
  const keys = identities.attempts.slice(0, maxKeys);
  const refusals: Refused[] = [];
  const timer = new AttemptTimer(timeoutMs);
  try {
    for (let tried = 0; tried < keys.length;) {
      signal?.throwIfAborted();
      const offer = keys.slice(tried, tried + keysPerConnection);
      const dialed = await dial({ target, hostKeys, identities: offer, timer, signal, keepaliveMs });
      if (dialed.kind === 'open') return { transport: dialed.transport, hostKey: dialed.hostKey };
      tried += dialed.offered;
      refusals.push(dialed);
    }
  } finally {
    timer.pause();
  }
  throw authError({ target, identities, refusals });
}

const keysPerConnection = 5;

/** Somebody with more keys than this has to say which one it is. */
const maxKeys = 20;

/** The most telling of the reasons why nobody is logged in. */
function authError({ target, identities, refusals }: AuthFailure): SidecarError {
  const { host, port, user } = target;
  const signFailures = refusals.flatMap((refusal) => refusal.signFailures);
  // The server wanted this key, and it could not be used.
  const wanted = signFailures.find((error) => error instanceof SidecarError);
  if (wanted !== undefined) return wanted;

  const tried = identities.attempts.slice(0, maxKeys).map(({ description }) => description);
  const facts = { host, port, user, tried, untried: identities.attempts.length - tried.length };
  const [path] = identities.lockedFiles;
  if (path !== undefined) {
    return new SidecarError('ssh.passphrase_needed', { ...facts, path, file: path }, { retryable: false });
  }

  const banner = refusals.map((refusal) => refusal.banner.trim()).find((text) => text !== '');
  return new SidecarError(
    'ssh.auth_refused',
    {
      ...facts,
      unsupported: identities.unsupported,
      reason: tried.length === 0 ? 'there is no key to offer' : 'the server refused every key',
      ...(banner === undefined ? {} : { banner: banner.slice(0, 500) }),
    },
    { retryable: false, ...(signFailures.length > 0 ? { cause: signFailures[0] } : {}) },
  );
}

interface AuthFailure {
  readonly target: SshTarget;
  readonly identities: Identities;
  readonly refusals: readonly Refused[];
}
