import type { Clock } from './clock.js';
import { Session } from './session/session.js';
import type { SidecarRecord } from './sidecars/record.js';

export interface WarmthOptions {
  readonly clock: Clock;
  /** A session that nobody has used for so long is closed, in milliseconds. Default: never. */
  readonly idleMs?: number;
  /** Called when a session is lost while nobody uses it. */
  readonly onLost?: () => void;
}

/** One of the sessions that are kept. */
export interface KeptSession {
  readonly record: SidecarRecord;
  readonly session: Session;
}

/** More than anybody works with at one time. */
const mostSessions = 32;

/** What a process that lands again and again keeps between one landing and the next. */
export class Warmth {
  readonly #options: WarmthOptions;
  /** Those used last come last. */
  readonly #sessions = new Map<string, KeptSession>();

  constructor(options: WarmthOptions) {
    this.#options = options;
  }

  /** The sessions, open or not. */
  get sessions(): readonly KeptSession[] {
    return [...this.#sessions.values()];
  }

  /**
   * The session of a sidecar, for those who log in with the same keys: what one user's agent opened is not for somebody
   * who came with another one.
   */
  session(record: SidecarRecord, env: NodeJS.ProcessEnv): Session {
    const key = JSON.stringify([record.name, record.createdAt, env['SSH_AUTH_SOCK'] ?? null, env['HOME'] ?? null]);
    const kept = this.#sessions.get(key) ?? { record, session: this.#make() };
    this.#sessions.delete(key);
    this.#sessions.set(key, kept);
    this.#forgetOldest();
    return kept.session;
  }

  /** Closes what is open to a sidecar: it is no longer on the list. */
  async drop(name: string): Promise<void> {
    const gone = [...this.#sessions].filter(([, { record }]) => record.name === name);
    for (const [key] of gone) this.#sessions.delete(key);
    await Promise.all(gone.map(([, { session }]) => session.close()));
  }

  /** Finds out which connections still live, after this machine slept. */
  async probe(): Promise<void> {
    await Promise.all(this.sessions.map(({ session }) => session.probe()));
  }

  async close(): Promise<void> {
    const { sessions } = this;
    this.#sessions.clear();
    await Promise.all(sessions.map(({ session }) => session.close()));
  }

  #make(): Session {
    const { clock, idleMs, onLost } = this.#options;
    return new Session({
      clock,
      ...(idleMs === undefined ? {} : { idleMs }),
      ...(onLost === undefined ? {} : { onLost }),
    });
  }

  #forgetOldest(): void {
    for (const [key, { session }] of [...this.#sessions].slice(0, -1)) {
      if (this.#sessions.size <= mostSessions) return;
      if (session.state.kind === 'open' && session.state.users > 0) continue;
      this.#sessions.delete(key);
      void session.close();
    }
  }
}
