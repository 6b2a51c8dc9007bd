import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { Attempt, type Asked } from './attempt.js';
import type { LostSession, OpenSession } from './open.js';
import { after, type SessionState, type SessionStep } from './state.js';
import type { Open, Way } from './way.js';

export interface Lent extends OpenSession {
  /** It was open already. */
  readonly warm: boolean;
  /** The connection itself, the same for all who have it at one time. Closing it ends it for all of them. */
  readonly connection: Transport;
}

export interface SessionOptions {
  readonly clock: Clock;
  /** Closed once nobody has used it for so long, in milliseconds. Default: never. */
  readonly idleMs?: number;
  readonly onOpen?: (connection: Transport) => void;
  /** Called when the connection is lost while nobody uses it: whoever does, notices. */
  readonly onLost?: () => void;
}

/** A connection that nobody has used for this long may be dead without a word. */
const doubtfulMs = 3_000;
/** How long a connection may take to show that it is not. */
const probeMs = 5_000;

/**
 * One session that stays open between those who use it, and while none does: see state.ts. Those who need it while it is
 * being opened wait together.
 */
export class Session {
  readonly #options: SessionOptions;
  #state: SessionState;
  #attempt: Attempt | undefined;
  #reopen: Way['reopen'];
  #probing: Promise<void> | undefined;
  #rttMs: number | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#state = { kind: 'idle', sinceMs: options.clock.now() };
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The last round trip measured, in milliseconds. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** The open connection, for what may go on while others use it. */
  get connection(): Transport | undefined {
    return this.#state.kind === 'open' ? this.#state.transport : undefined;
  }

  /**
   * For one user: lends the session, opened where it is not open. Closing the transport that is lent gives it back. A
   * connection that the user found lost is not lent again. Throws what `openSession` throws.
   */
  borrower(way: Way): (...asked: Parameters<Open>) => Promise<Lent> {
    let had: Transport | undefined;
    return async (signal, lost, more) => {
      if (lost !== undefined && had !== undefined) await this.#discard(had);
      const lent = await this.#lend(way, { signal, lost, more });
      had = lent.connection;
      return lent;
    };
  }

  /** Finds out whether the connection still lives: after this machine slept, say. One that does not is lost. */
  probe(): Promise<void> {
    const { connection } = this;
    if (connection === undefined) return Promise.resolve();
    this.#probing ??= this.#ask(connection).finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  /** Ends it, for good. */
  async close(): Promise<void> {
    const { connection } = this;
    this.#step({ kind: 'closed' });
    this.#attempt?.stop();
    await connection?.close();
  }

  async #lend(way: Way, { signal, lost, more }: Asked & { readonly signal: AbortSignal }): Promise<Lent> {
    const { clock } = this.#options;
    const startedMs = clock.now();
    let { deadlineMs } = way;
    for (let joined: OpenSession | undefined; ;) {
      signal.throwIfAborted();
      const state = this.#state;
      if (state.kind === 'closed') throw closedHere();
      if (state.kind === 'open') {
        if (joined === undefined && clock.now() - state.usedMs > doubtfulMs) void this.probe();
        this.#reopen = way.reopen ?? this.#reopen;
        const { attempts = 1 } = joined ?? {};
        const elapsedMs = joined === undefined ? 0 : clock.now() - startedMs;
        return { ...this.#lent(state.transport), attempts, elapsedMs, warm: joined === undefined };
      }
      if (this.#attempt?.forSomebody === true) {
        // What opening a lost session took before counts too.
        const ownMs = way.deadlineMs - (lost?.elapsedMs ?? 0);
        joined = await this.#attempt.join({ emit: way.emit, signal, clock, startedMs, deadlineMs: ownMs });
        deadlineMs = way.deadlineMs - (clock.now() - startedMs);
        continue;
      }
      this.#attempt?.stop();
      const asked = { signal, lost: lost ?? this.#unnoticed(), more };
      const session = await this.#open({ ...way, deadlineMs }, { ...asked, forSomebody: true });
      return { ...session, ...this.#lent(session.transport), warm: false };
    }
  }

  /** A loss that somebody was told of is the beginning of the next attempt. */
  #unnoticed(): LostSession | undefined {
    if (this.#state.kind !== 'lost' || this.#options.onLost === undefined) return undefined;
    return { error: this.#state.error, attempts: 1, elapsedMs: 0 };
  }

  async #open(way: Way, options: Asked & { readonly forSomebody: boolean }): Promise<OpenSession> {
    const attempt = new Attempt(way, {
      ...options,
      onAttempt: (number) => this.#stepOf(attempt, { kind: 'attempt', attempt: number }),
      onFailed: (number, error) => this.#stepOf(attempt, { kind: 'failed', attempt: number, error }),
    });
    this.#attempt = attempt;
    this.#step({ kind: 'attempt', attempt: 1 });
    try {
      const session = await attempt.opened;
      if (this.#attempt !== attempt || this.#state.kind === 'closed') {
        await session.transport.close();
        throw closedHere();
      }
      this.#reopen = way.reopen ?? this.#reopen;
      this.#opened(session.transport);
      return session;
    } catch (error) {
      this.#stepOf(attempt, { kind: 'gave-up', ...(error instanceof SidecarError && { error }) });
      throw error;
    } finally {
      if (this.#attempt === attempt) this.#attempt = undefined;
    }
  }

  #opened(transport: Transport): void {
    this.#step({ kind: 'opened', transport });
    void transport.closed.then((error) => this.#ended(transport, error));
    void this.#closeWhenIdle(transport);
    this.#options.onOpen?.(transport);
  }

  #lent(connection: Transport): { readonly transport: Transport; readonly connection: Transport } {
    this.#step({ kind: 'borrowed' });
    let returned = false;
    const transport: Transport = {
      exec: (command, options) => connection.exec(command, options),
      forward: (target) => connection.forward(target),
      listen: (address, onConnection) => connection.listen(address, onConnection),
      closed: connection.closed,
      close: () => {
        if (!returned) this.#step({ kind: 'returned', transport: connection });
        returned = true;
        return Promise.resolve();
      },
    };
    return { transport, connection };
  }

  async #discard(connection: Transport): Promise<void> {
    this.#step({ kind: 'unused', transport: connection });
    await connection.close();
  }

  #ended(transport: Transport, error: Error | undefined): void {
    if (this.#state.kind !== 'open' || this.#state.transport !== transport) return;
    const { users } = this.#state;
    const passes = error instanceof SidecarError && error.retryable === true;
    this.#step(passes ? { kind: 'lost', transport, error } : { kind: 'unused', transport });
    if (users > 0) return;
    this.#options.onLost?.();
    if (passes) void this.#reconnect();
  }

  /** Opens a session that was lost while nobody used it, before somebody needs it. */
  async #reconnect(): Promise<void> {
    const reopen = this.#reopen;
    if (reopen === undefined || this.#attempt !== undefined) return;
    const way = { open: reopen, emit: () => undefined, deadlineMs: 0 };
    await this.#open(way, { forSomebody: false }).catch(() => undefined);
  }

  async #closeWhenIdle(transport: Transport): Promise<void> {
    const { clock, idleMs } = this.#options;
    if (idleMs === undefined) return;
    const ended = new AbortController();
    void transport.closed.then(() => ended.abort());
    for (;;) {
      const state = this.#state;
      if (state.kind !== 'open' || state.transport !== transport) return;
      const leftMs = state.users > 0 ? idleMs : state.usedMs + idleMs - clock.now();
      if (leftMs <= 0) return this.#discard(transport);
      try {
        await clock.sleep(leftMs, ended.signal);
      } catch {
        return;
      }
    }
  }

  async #ask(connection: Transport): Promise<void> {
    const { clock } = this.#options;
    const startedMs = clock.now();
    const over = new AbortController();
    const answer = connection.exec(':', { signal: over.signal });
    const late = clock.sleep(probeMs, over.signal).then(() => 'late' as const);
    try {
      if ((await Promise.race([answer, late])) === 'late') await connection.close(silent());
      // Opening a channel is one round trip, asking for a command another one.
      else this.#rttMs = (clock.now() - startedMs) / 2;
    } catch {
      // A server that refuses lives, and a connection that is lost says so itself.
    } finally {
      over.abort();
      answer.then(
        (channel) => channel.close(),
        () => undefined,
      );
      late.catch(() => undefined);
    }
  }

  #stepOf(attempt: Attempt, step: SessionStep): void {
    if (this.#attempt === attempt) this.#step(step);
  }

  #step(step: SessionStep): void {
    this.#state = after(this.#state, step, this.#options.clock.now());
  }
}

const closedHere = (): SidecarError =>
  new SidecarError('ssh.connection_lost', { reason: 'the session was closed here' }, { retryable: false });

const silent = (): SidecarError =>
  new SidecarError('ssh.connection_lost', { reason: 'it no longer answers' }, { retryable: true });
