import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import { connectPolicy, decide } from '../retry/policy.js';
import type { LostSession } from '../session/open.js';
import type { Open } from '../session/way.js';
import type { Address, Transport } from '../transport/transport.js';
import { forwardFromHere, type LocalForward } from './local.js';
import { RemoteForward } from './remote.js';
import { CurrentTransport } from './current-transport.js';
import { reopen } from './reopen.js';
import { addressText, type ForwardSpec } from '../transport/forward-spec.js';

export interface ForwardRequest {
  /** From this machine to the sidecar, as `ssh -L`. */
  readonly local: readonly ForwardSpec[];
  /** From the sidecar to this machine, as `ssh -R`. */
  readonly remote: readonly ForwardSpec[];
  readonly open: Open;
  readonly clock: Clock;
  /** Ends all of it. */
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

export interface Forward {
  readonly direction: 'local' | 'remote';
  /** With the real port. The host `*` is every interface. */
  readonly listen: Address;
  readonly target: Address;
}

export interface Forwarding {
  readonly forwards: readonly Forward[];
  /** Rejects when it has ended: with the signal's reason, or with why it could not go on. */
  readonly ended: Promise<never>;
}

/**
 * Forwards ports, both ways, until the signal is aborted: over one session, opened again whenever it is lost. Resolves once
 * all of them are listened on.
 *
 * Throws `forward.local_refused` before anything else is tried, `forward.remote_refused`, and what `open` throws.
 */
export async function startForwarding(request: ForwardRequest): Promise<Forwarding> {
  const { local, remote, emit } = request;
  const current = new CurrentTransport();
  const here: LocalForward[] = [];
  const there = remote.map((spec) => new RemoteForward(spec, emit));
  const end = (error: unknown): never => {
    current.over(error);
    for (const each of [...here, ...there]) each.close();
    throw error;
  };
  try {
    for (const spec of local) here.push(await forwardFromHere(spec, { current, emit }));
  } catch (error) {
    return end(error);
  }
  const { ended, ready } = keepUp(request, current, there);
  const closed = ended.catch(end);
  closed.catch(() => undefined); // whoever waits for it is told
  await Promise.race([ready, closed]);
  const forwards = [
    ...here.map(({ listen, target }) => ({ direction: 'local', listen, target }) as const),
    ...there.map(({ listen, target }) => ({ direction: 'remote', listen, target }) as const),
  ];
  return { forwards, ended: closed };
}

/**
 * Keeps a session open, and the sidecar listening on it. `ready` resolves the first time that both are so.
 *
 *   opening ──▶ listening ──▶ up
 *      ▲            │          │ lost
 *      └────────────┴──────────┘
 *
 * The first opening wakes a machine that sleeps; for those after it see reopen.ts.
 */
function keepUp(
  { local, open, clock, signal, emit }: ForwardRequest,
  current: CurrentTransport,
  there: readonly RemoteForward[],
): { readonly ended: Promise<never>; readonly ready: Promise<void> } {
  let isReady: (() => void) | undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const onAsleep = (): void => emit({ kind: 'forward.asleep', wakes: local.length > 0 });
  const keep = async (): Promise<never> => {
    let patient = false;
    for (let lost: LostSession | undefined; ;) {
      const { transport } = await (lost === undefined
        ? open(signal)
        : reopen(lost, { open, current, clock, signal, onAsleep }));
      void transport.closed.then(() => current.lost());
      const onAbort = (): void => void transport.close();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        current.opened(transport);
        await Promise.all(there.map((each) => listen(each, { transport, patient, clock, signal, emit })));
        patient = true;
        isReady?.();
      } catch (error) {
        if (!isLoss(error)) {
          await transport.close();
          throw error;
        }
      }
      const error = await transport.closed;
      signal.removeEventListener('abort', onAbort);
      signal.throwIfAborted();
      if (!(error instanceof SidecarError) || error.retryable !== true) throw error ?? closedHere();
      lost = { error, attempts: 1, elapsedMs: 0 };
    }
  };
  return { ended: keep(), ready };
}

interface Listening {
  readonly transport: Transport;
  /** Whether to wait for a port that is still taken: the far side may not know yet that the last session is over. */
  readonly patient: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

async function listen(forward: RemoteForward, { transport, patient, clock, signal, emit }: Listening): Promise<void> {
  const gone = new AbortController();
  void transport.closed.then((error) => gone.abort(error ?? closedHere()));
  const startedMs = clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      await forward.start(transport);
      return;
    } catch (error) {
      const elapsedMs = clock.now() - startedMs;
      const decision = decide(connectPolicy, { failedAttempts: attempt, elapsedMs });
      if (!patient || isLoss(error) || decision.kind === 'give-up') throw error;
      if (attempt === 1) emit({ kind: 'forward.waiting', listen: addressText(forward.listen) });
      await clock.sleep(decision.delayMs, AbortSignal.any([signal, gone.signal]));
    }
  }
}

function isLoss(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'ssh.connection_lost';
}

const closedHere = (): SidecarError =>
  new SidecarError('ssh.connection_lost', { reason: 'the session was closed here' }, { retryable: false });
