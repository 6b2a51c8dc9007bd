import type { Duplex } from 'node:stream';
import ssh2, { type AgentAuthMethod, type ConnectConfig } from 'ssh2';
import { SidecarError } from '../../errors.js';
import type { HostKeyPolicy } from '../host-trust.js';
import type { IdentityAttempt } from '../identities.js';
import type { SshTarget } from '../target.js';
import type { AttemptTimer } from '../attempt-timer.js';
import {
  connectError,
  isAuthRefusal,
  isFatal,
  isTooManyKeys,
  type Endpoint,
  type Observed,
  type Stage,
} from './errors.js';
import { hostVerifier, type AcceptedHostKey } from './host-verifier.js';
import type { ForwardedAgent } from '../forwarded-agent.js';
import { Ssh2Transport } from './transport.js';
import { UntimedAgent } from './untimed-agent.js';

export interface DialOptions {
  readonly target: SshTarget;
  readonly hostKeys: HostKeyPolicy;
  /** The keys to offer, in order, all of them on this one connection. */
  readonly identities: readonly IdentityAttempt[];
  /** What the connection is to go over. */
  readonly open: OpenStream;
  readonly forwardAgent?: ForwardedAgent | undefined;
  /** The target is only a host on the way to another one. */
  readonly isHop: boolean;
  readonly timer: AttemptTimer;
  readonly signal?: AbortSignal | undefined;
  /** How often to ask a silent server for a sign of life, in milliseconds. The third time without an answer is the end. */
  readonly keepaliveMs: number;
}

/** A new stream to the server. One that still connects may be given: ssh2 tells what becomes of it. */
export type OpenStream = (signal: AbortSignal) => Duplex | Promise<Duplex>;

export type Dialed =
  { readonly kind: 'open'; readonly transport: Ssh2Transport; readonly hostKey: AcceptedHostKey } | Refused;

/** What of a server's words before the login is kept, in characters: it may go on for as long as the attempt lasts. */
const maxBannerLength = 4096;

/** The server wanted none of the keys. */
export interface Refused {
  readonly kind: 'refused';
  /** How many it has refused, one at least; it may hang up before it saw them all. */
  readonly offered: number;
  /** Keys that could not sign though the server wanted them to. */
  readonly signFailures: readonly Error[];
  /** What the server said before the login: "System is booting up". */
  readonly banner: string;
}

/**
 * One connection, one fresh ssh2 client, one outcome: whatever happens first decides, and everything after it is
 * ignored. Unless the outcome is 'open', the stream is destroyed. Throws what `open` throws, what
 * `connectError` makes of a failure, the host key policy's error, or the signal's reason.
 */
export async function dial(options: DialOptions): Promise<Dialed> {
  const { target, timer, signal } = options;
  const socket = await openStream(options);
  if (signal?.aborted !== true && !timer.expired.aborted) return logIn(socket, options);
  socket.destroy();
  signal?.throwIfAborted();
  throw late(endpointOf(target, options.isHop), timer);
}

async function openStream({ target, isHop, open, timer, signal }: DialOptions): Promise<Duplex> {
  const limits = [timer.expired, ...(signal === undefined ? [] : [signal])];
  try {
    return await open(AbortSignal.any(limits));
  } catch (error) {
    signal?.throwIfAborted();
    if (timer.expired.aborted) throw late(endpointOf(target, isHop), timer);
    // A hop says itself which server it is about.
    if (!(error instanceof SidecarError) || 'hop' in error.facts) throw error;
    throw connectError({ kind: 'error', error }, { ...endpointOf(target, isHop), stage: 'dial' });
  }
}

/** The time was up before there was anything to speak over. */
function late(endpoint: Endpoint, { limitMs }: AttemptTimer): Error {
  return connectError({ kind: 'timeout', limitMs }, { ...endpoint, stage: 'dial' });
}

function endpointOf({ host, port, alias }: SshTarget, isHop: boolean): Endpoint {
  return { host, port, ...(isHop && { hop: alias }) };
}

function logIn(socket: Duplex, options: DialOptions) {
  const { target, isHop, hostKeys, identities, forwardAgent, timer, signal, keepaliveMs } = options;
  const { user } = target;
  const endpoint = endpointOf(target, isHop);
  return new Promise<Dialed>((resolve, reject) => {
    const client = new ssh2.Client();
    const verifier = hostVerifier(hostKeys);
    const signFailures: Error[] = [];
    let stage: Stage = 'dial';
    let offered = 0;
    let banner = '';
    let isOver = false;

    const settle = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      signal?.removeEventListener('abort', onAbort);
      timer.expired.removeEventListener('abort', onExpired);
      act();
    };
    const hangUp = (act: () => void): void =>
      settle(() => {
        socket.destroy();
        act();
      });
    const fail = (error: Error): void => hangUp(() => reject(error));
    const failAs = (observed: Observed): void => {
      // A stream that says why it ended has not led to the server.
      const isOfRoute = observed.kind === 'error' && observed.error instanceof SidecarError;
      fail(connectError(observed, { ...endpoint, stage: isOfRoute && stage === 'handshake' ? 'dial' : stage }));
    };
    const refuse = (): void => hangUp(() => resolve({ kind: 'refused', offered, signFailures, banner }));
    const open = (hostKey: AcceptedHostKey): void =>
      settle(() =>
        resolve({ kind: 'open', transport: new Ssh2Transport({ client, socket, endpoint, forwardAgent }), hostKey }),
      );
    const onAbort = (): void => fail(signal?.reason as Error);
    const onExpired = (): void => failAs({ kind: 'timeout', limitMs: timer.limitMs });
    const onError = (error: Error): void => {
      if (!isFatal(error)) signFailures.push(error);
      else if (verifier.refusal !== undefined) fail(verifier.refusal);
      else if (isAuthRefusal(error) || (isTooManyKeys(error) && offered > 0)) refuse();
      else failAs({ kind: 'error', error });
    };

    client
      .on('connect', () => (stage = 'handshake'))
      .on('handshake', () => (stage = 'auth'))
      .on('banner', (text) => (banner = (banner + text).slice(0, maxBannerLength)))
      .on('error', (error: Error) => {
        if (!isOver) onError(error);
      })
      .on('ready', () => {
        if (verifier.accepted !== undefined) open(verifier.accepted);
        else fail(new Error('ssh2 did not ask about the host key'));
      })
      // A server that hangs up in the middle of the handshake or the login raises no error at all. A stream that is no socket
      // stays half open then, and only ends.
      .on('end', () => failAs({ kind: 'closed' }))
      .on('close', () => failAs({ kind: 'closed' }));

    const nextIdentity = (): AgentAuthMethod | false => {
      const identity = identities[offered];
      if (identity === undefined) return false;
      offered += 1;
      const agent = new UntimedAgent({ agent: identity.agent, timer, isOver: () => isOver });
      return { type: 'agent', username: user, agent };
    };

    signal?.addEventListener('abort', onAbort, { once: true });
    timer.expired.addEventListener('abort', onExpired, { once: true });
    const { preferredAlgorithms } = hostKeys;
    const config: ConnectConfig = {
      sock: socket,
      username: user,
      hostVerifier: verifier.verify,
      authHandler: nextIdentity,
      readyTimeout: 0,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: 3,
      // Who logs in is said by authHandler. ssh2 opens this one to the server only once a command has asked for it.
      ...(forwardAgent === undefined ? {} : { agent: forwardAgent.socket }),
      ...(preferredAlgorithms === undefined ? {} : { algorithms: { serverHostKey: [...preferredAlgorithms] } }),
    };
    try {
      client.connect(config);
    } catch (error) {
      failAs({ kind: 'error', error });
    }
  });
}
