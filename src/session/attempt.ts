import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit, SidecarEvent } from '../events.js';
import type { LostSession, OpenSession } from './open.js';
import type { Open, Way } from './way.js';
import { within } from '../retry/within.js';

/** What the one for whom it is made asks for: see `Open`. */
export interface Asked {
  readonly signal?: AbortSignal;
  readonly lost?: LostSession | undefined;
  readonly more?: Parameters<Open>[2];
}

export interface AttemptOptions extends Asked {
  /** Whether somebody waits for it. */
  readonly forSomebody: boolean;
  readonly onAttempt: (attempt: number) => void;
  readonly onFailed: (attempt: number, error: SidecarError) => void;
}

/** The opening of a session, by the way of the one who needed it first. Others may wait with it. */
export class Attempt {
  readonly forSomebody: boolean;
  readonly opened: Promise<OpenSession>;
  readonly #stop = new AbortController();
  readonly #listeners: Set<Emit>;
  /** The last event of each kind, for those who come later. */
  readonly #heard = new Map<SidecarEvent['kind'], SidecarEvent>();

  constructor(way: Way, { forSomebody, signal, lost, more, onAttempt, onFailed }: AttemptOptions) {
    this.forSomebody = forSomebody;
    this.#listeners = new Set([way.emit]);
    const tell: Emit = (event) => {
      if (event.kind === 'connect.attempt') onAttempt(event.attempt);
      if (event.kind === 'connect.failed') onFailed(event.attempt, event.error);
      this.#heard.set(event.kind, event);
      for (const emit of this.#listeners) emit(event);
    };
    const both = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.opened = way.open(tell, way.deadlineMs).then((open) => open(both, lost, more));
    this.opened.catch(() => undefined);
  }

  /**
   * Waits with those who wait, until `deadlineMs` after `startedMs` at most. Undefined when it fails before: it was somebody
   * else's way, with keys and a patience of its own. Throws `ssh.unreachable` when the time is over, and the signal's reason.
   */
  async join(options: {
    readonly emit: Emit;
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly startedMs: number;
    readonly deadlineMs: number;
  }): Promise<OpenSession | undefined> {
    const { emit, signal, clock, startedMs, deadlineMs } = options;
    for (const event of this.#heard.values()) emit(event);
    this.#listeners.add(emit);
    const late = (): SidecarError => {
      const failed = this.#heard.get('connect.failed');
      const { attempt: attempts, error } =
        failed?.kind === 'connect.failed' ? failed : { attempt: 1, error: undefined };
      const facts = { reason: 'it did not answer in time', ...error?.facts, attempts };
      const elapsedMs = Math.round(clock.now() - startedMs);
      return new SidecarError('ssh.unreachable', { ...facts, elapsedMs }, { cause: error, retryable: false });
    };
    const leftMs = (): number => Math.max(0, deadlineMs - (clock.now() - startedMs));
    const opened = this.opened.catch(() => undefined);
    try {
      const session = await within(opened, { ms: leftMs(), clock, signal, late });
      if (session === undefined && leftMs() === 0) throw late();
      return session;
    } finally {
      this.#listeners.delete(emit);
    }
  }

  stop(): void {
    this.#stop.abort(
      new SidecarError('ssh.connection_lost', { reason: 'somebody else opens it' }, { retryable: false }),
    );
  }
}
