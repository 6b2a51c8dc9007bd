import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Locator } from '../provider/locator.js';
import { connectPolicy } from '../retry/policy.js';
import { restMs } from '../retry/rest.js';
import { RetriesExhausted, retry } from '../retry/retry.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { SshTarget } from '../transport/target.js';
import type { SpareChannels } from '../transport/spare-channels.js';
import type { Transport } from '../transport/transport.js';
import { within } from '../retry/within.js';

/** One attempt to open an authenticated connection. Keeps its time limit, and ends when the signal is aborted. */
export type Connect = (
  target: SshTarget,
  options: {
    readonly timeoutMs: number;
    /** What is left for this attempt and all others, in milliseconds. Absent: nobody counts. */
    readonly remainingMs?: number;
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Transport>;

export interface OpenSessionOptions {
  readonly record: SidecarRecord;
  readonly locator: Pick<Locator, 'target'>;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
  /** False: a machine that was stopped is left alone. Default: it is started. */
  readonly wake?: boolean | undefined;
  /** How long to keep trying, from now. Default: the connect policy's 90 s. */
  readonly deadlineMs?: number;
  /** The session to replace. The time that opening it took counts, and the time for which it was open does not. */
  readonly lost?: LostSession | undefined;
}

/** A session that was open until its connection was lost. */
export interface LostSession {
  readonly error: SidecarError;
  readonly attempts: number;
  readonly elapsedMs: number;
}

export interface OpenSession {
  readonly transport: Transport;
  readonly attempts: number;
  readonly elapsedMs: number;
  /** Channels that wait on this transport, where somebody keeps some. */
  readonly channels?: SpareChannels;
}

/**
 * Opens a session, waiting for a machine that boots: network-class failures are retried until the deadline, everything
 * else is thrown at once.
 *
 * Throws `ssh.unreachable` with attempts, time and the last error as its cause when time ran out, what the provider or
 * `connect` threw when it is not retryable, the error of a `lost` session for which no time is left, the signal's reason
 * on abort.
 */
export async function openSession(options: OpenSessionOptions): Promise<OpenSession> {
  const { record, connect, clock, emit, signal, deadlineMs = connectPolicy.deadlineMs, lost } = options;
  let endpoint: Endpoint = { host: record.name };
  let attempts = lost?.attempts ?? 0;
  let failure: SidecarError | undefined;

  const attemptOnce = async (attempt: number, remainingMs: number): Promise<Transport> => {
    attempts = attempt;
    const endMs = clock.now() + remainingMs;
    const target = await locate(options, { remainingMs, late: () => failure ?? providerIsSlow() });
    const { host, port, openssh } = target;
    endpoint = { host, port };
    emit({ kind: 'connect.attempt', attempt, host, port, ...(openssh === undefined ? {} : { openssh: openssh.why }) });
    const leftMs = Math.max(0, endMs - clock.now());
    return connect(target, { timeoutMs: Math.min(attemptLimitMs, leftMs), remainingMs: leftMs, signal });
  };

  try {
    const { value: transport, elapsedMs } = await retry(attemptOnce, {
      policy: { ...connectPolicy, deadlineMs },
      clock,
      signal,
      restMs,
      after: lost,
      onFailed: (error, attempt) => {
        failure = asUnreachable(error);
        if (error !== lost?.error) emit({ kind: 'connect.failed', attempt, error: failure });
      },
      onWait: (error, delayMs, attempt) => {
        if (lost === undefined) {
          if (attempt > 1) return;
          emit({ kind: 'connect.waiting', host: endpoint.host, error: asUnreachable(error), delayMs, deadlineMs });
        } else if (error === lost.error) {
          emit({ kind: 'connect.lost', error: lost.error, delayMs, remainingMs: deadlineMs - lost.elapsedMs });
        }
      },
    });
    emit({ kind: 'connect.open', host: endpoint.host, attempts, elapsedMs });
    return { transport, attempts, elapsedMs };
  } catch (error) {
    if (error instanceof RetriesExhausted)
      throw lost !== undefined && error.cause === lost.error ? lost.error : unreachable(error, endpoint);
    throw attempts > 1 && error instanceof SidecarError ? withAttempts(error, attempts) : error;
  }
}

/** What is asked on the way is asked no longer when the time is over: then what failed before tells more, if anything did. */
async function locate(
  { record, locator, clock, signal, wake }: OpenSessionOptions,
  { remainingMs, late }: { readonly remainingMs: number; readonly late: () => Error },
): Promise<SshTarget> {
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const asking = locator.target(record, { signal: either, wake });
  try {
    return await within(asking, { ms: remainingMs, clock, signal, late });
  } catch (error) {
    over.abort(error);
    throw error;
  }
}

/** Where it was tried last. Until the provider has said where the machine is, it has only a name. */
interface Endpoint {
  readonly host: string;
  readonly port?: number;
}

/** A server that accepted the connection and says nothing is better asked again than waited for. */
const attemptLimitMs = 10_000;

function unreachable({ attempts, elapsedMs, cause }: RetriesExhausted, endpoint: Endpoint): Error {
  const last = asUnreachable(cause);
  const facts = { ...last.facts, ...endpoint, attempts, elapsedMs: Math.round(elapsedMs) };
  return new SidecarError('ssh.unreachable', facts, { cause: last, retryable: false });
}

/** That it took several attempts to be refused hints at a machine that has not finished booting. */
function withAttempts(error: SidecarError, attempts: number): SidecarError {
  const { code, facts, retryable } = error;
  return new SidecarError(
    code,
    { ...facts, attempts },
    { cause: error, ...(retryable === undefined ? {} : { retryable }) },
  );
}

function asUnreachable(error: unknown): SidecarError {
  if (error instanceof SidecarError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SidecarError('ssh.unreachable', { reason }, { cause: error, retryable: true });
}

function providerIsSlow(): SidecarError {
  return new SidecarError('provider.failed', { reason: 'it did not say where the machine is' }, { retryable: true });
}
