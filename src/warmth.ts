import type { Clock } from './clock.js';
import { SnapshotMemory } from './git/snapshot-memory.js';
import { Session } from './session/session.js';
import type { Open, Way } from './session/way.js';
import type { SidecarRecord } from './sidecars/record.js';
import type { Asked } from './sync/greeting.js';
import { Spares } from './sync/spares.js';
import { remoteCommand } from './sync/remote-script.js';
import { SpareChannels } from './transport/spare-channels.js';
import type { Transport } from './transport/transport.js';

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
const mostTrees = 16;

/** A command and its lifeline: see run/execution.ts. */
const executionChannels = { command: remoteCommand, count: 2 };

/** What a process that lands again and again keeps between one landing and the next. */
export class Warmth {
  readonly #options: WarmthOptions;
  /** Those used last come last, as in `#memories`. */
  readonly #sessions = new Map<string, KeptSession>();
  readonly #memories = new Map<string, SnapshotMemory>();
  #preparing = 0;
  readonly #spares = new WeakMap<Transport, Spares>();
  readonly #channels = new WeakMap<Transport, SpareChannels>();

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
    const kept = lastOf(this.#sessions, key, () => ({ record, session: this.#make() }));
    this.#forgetOldest();
    return kept.session;
  }

  /** Opens what a landing needs: the session, where it is not open, with the conversations that wait on it. */
  opener(session: Session, way: Way): Open {
    const borrow = session.borrower(way);
    return async (signal, lost, more) => {
      const lent = await borrow(signal, lost, more);
      const spares = this.#sparesOn(lent.connection);
      const prepare: Spares['prepare'] = async (asked) => {
        this.#preparing += 1;
        await spares.prepare(asked).finally(() => (this.#preparing -= 1));
      };
      const channels = this.#channelsOn(lent.connection);
      return { ...lent, channels, spares: { take: (asked: Asked) => spares.take(asked), prepare } };
    };
  }

  /** How many conversations are being begun for the next landing. */
  get preparing(): number {
    return this.#preparing;
  }

  /** What is remembered of the working tree at `root`. */
  memory(root: string): SnapshotMemory {
    const memory = lastOf(this.#memories, root, () => new SnapshotMemory());
    for (const oldest of this.#memories.keys()) {
      if (this.#memories.size <= mostTrees) break;
      this.#memories.delete(oldest);
    }
    return memory;
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
    const session: Session = new Session({
      clock,
      // How far away it is, for those who ask.
      onOpen: () => void session.probe(),
      ...(idleMs === undefined ? {} : { idleMs }),
      ...(onLost === undefined ? {} : { onLost }),
    });
    return session;
  }

  #sparesOn(connection: Transport): Spares {
    const spares = this.#spares.get(connection) ?? new Spares(connection, this.#options.clock);
    this.#spares.set(connection, spares);
    return spares;
  }

  #channelsOn(connection: Transport): SpareChannels {
    const channels = this.#channels.get(connection) ?? new SpareChannels(connection, executionChannels);
    this.#channels.set(connection, channels);
    return channels;
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

/** The value of a key, made where there is none, and from now on the last of all. */
function lastOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  return value;
}
