import { SidecarError } from '../../errors.js';
import type { HostKeyPolicy } from '../host-trust.js';
import type { Identities } from '../identities.js';
import type { SshTarget } from '../target.js';
import type { Transport } from '../transport.js';
import { AttemptTimer } from '../attempt-timer.js';
import { openRoute } from '../route/open.js';
import { dial, type OpenStream, type Refused } from './dial.js';
import { atHop, overHop } from './hop.js';
import type { AcceptedHostKey } from './host-verifier.js';
import type { ForwardedAgent } from '../forwarded-agent.js';

/** A server to log in to. */
export interface Login {
  readonly target: SshTarget;
  readonly hostKeys: HostKeyPolicy;
  readonly identities: Identities;
}

/** A server on the way to another one. */
export interface Hop extends Login {
  /** Called once its key was accepted and somebody is logged in there, before anything goes on from it. */
  readonly onAccepted: (hostKey: AcceptedHostKey) => Promise<void>;
}

export interface ConnectOptions extends Login {
  /** One for each of `hopsOf(target)`, in that order. */
  readonly hops?: readonly Hop[];
  /** The agent that commands over there may use. */
  readonly forwardAgent?: ForwardedAgent | undefined;
  /** What the command of a route is started with, and where a proxy is named. */
  readonly env: NodeJS.ProcessEnv;
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
 * One attempt to open an authenticated connection, over a connection to each hop on the way, which end with it.
 *
 * sshd hangs up after MaxAuthTries keys (6 by default), so each connection offers a few and a fresh one goes on with
 * the rest.
 *
 * Throws `ssh.unreachable` (retryable where waiting may help), `ssh.protocol`, the host key policy's refusal,
 * `ssh.auth_refused`, `ssh.passphrase_needed` when a key is left that nobody unlocked, what the route of the target
 * throws, or the signal's reason. An error of a hop has its name in `facts.hop`.
 */
export function connectSsh2(options: ConnectOptions): Promise<Connected> {
  return onTheWay(options, (way) => logIn(options, way));
}

/**
 * Goes as far as the host key policy's verdict on the target, with nothing to log in with. Throws what keeps it from
 * that, as `connectSsh2` does.
 */
export async function greetSsh2(options: Omit<ConnectOptions, 'identities'>): Promise<void> {
  const { target, hostKeys, signal, keepaliveMs = usualKeepaliveMs } = options;
  await onTheWay(options, async (way) => {
    const dialed = await dial({ target, hostKeys, identities: [], ...way, isHop: false, signal, keepaliveMs });
    // A server that lets everybody in.
    if (dialed.kind === 'open') await dialed.transport.close();
    way.close();
  });
}

const usualKeepaliveMs = 15_000;

/** How to get to a server, within the time of this attempt. */
interface Way {
  readonly open: OpenStream;
  readonly timer: AttemptTimer;
  /** Ends the connections that it leads over. */
  readonly close: () => void;
}

/** Goes from hop to hop, and then does the work. The hops are left again when the work is done in vain. */
async function onTheWay<T>(
  { target, hops = [], env, timeoutMs, signal, keepaliveMs }: Omit<ConnectOptions, keyof Login> & { target: SshTarget },
  work: (way: Way) => Promise<T>,
): Promise<T> {
  const timer = new AttemptTimer(timeoutMs);
  const reached: Transport[] = [];
  const close = (): void => {
    for (const each of reached.toReversed()) void each.close();
  };
  const route = [...hops.map((hop) => hop.target), target];
  const first = route[0] ?? target;
  let open: OpenStream = (limit) => openRoute(first, { env, signal: limit });
  try {
    for (const [index, hop] of hops.entries()) {
      const { alias } = hop.target;
      try {
        const options = { ...hop, signal, isHop: true, ...(keepaliveMs === undefined ? {} : { keepaliveMs }) };
        const { transport, hostKey } = await logIn(options, { open, timer, close });
        reached.push(transport);
        await hop.onAccepted(hostKey);
        open = overHop(transport, { hop: alias, to: route[index + 1] ?? target });
      } catch (error) {
        throw error instanceof SidecarError ? atHop(error, { hop: alias, to: target }) : error;
      }
    }
    return await work({ open, timer, close });
  } catch (error) {
    close();
    throw error;
  } finally {
    timer.pause();
  }
}

async function logIn(
  options: Login & Pick<ConnectOptions, 'signal' | 'keepaliveMs' | 'forwardAgent'> & { readonly isHop?: boolean },
  { open, timer, close }: Way,
): Promise<Connected> {
  const { target, hostKeys, identities, signal, keepaliveMs = usualKeepaliveMs, isHop = false, forwardAgent } = options;
  const keys = identities.attempts.slice(0, maxKeys);
  const refusals: Refused[] = [];
  for (let tried = 0; tried < keys.length;) {
    signal?.throwIfAborted();
    const offer = keys.slice(tried, tried + keysPerConnection);
    const attempt = { target, hostKeys, identities: offer, forwardAgent, open, isHop, timer, signal, keepaliveMs };
    const dialed = await dial(attempt);
    if (dialed.kind === 'open') {
      const { transport, hostKey } = dialed;
      if (!isHop) void transport.closed.then(close);
      return { transport, hostKey };
    }
    tried += dialed.offered;
    refusals.push(dialed);
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
