import type { Clock } from '../clock.js';
import type { Transport } from '../transport/transport.js';
import { greet, type Asked, type Greeting } from './greeting.js';

/** How many conversations wait at once: a server lets only so many channels be open on one connection. */
const mostSpares = 4;

/** A conversation that has waited for longer, in milliseconds, is not used any more. */
const oldestMs = 3_600_000;

/**
 * Conversations that have said hello ahead of time on one open connection, so that the next sync begins with its landing.
 * One at most for each workspace. Several syncs may share the spares, also at the same time: each is handed out once.
 *
 *   none ──prepare──▶ greeting ──▶ waiting ──take──▶ none
 *                        └── failed ──▶└── ended, too old, too many ──▶ none
 */
export class Spares {
  readonly #transport: Transport;
  readonly #clock: Clock;
  #closed = false;
  /** The oldest first. */
  readonly #spares = new Map<string, Spare>();

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** The conversation that waits for this workspace, now the caller's to close. */
  take(asked: Asked): Greeting | undefined {
    const key = keyOf(asked);
    const spare = this.#spares.get(key);
    if (spare?.greeting === undefined) return undefined;
    this.#spares.delete(key);
    if (this.#clock.now() - spare.sinceMs <= oldestMs) return spare.greeting;
    spare.stop.abort(new Error('the conversation has waited for too long'));
    return undefined;
  }

  /**
   * Has a conversation for this workspace say hello, unless one does or waits already. Resolves when it waits, or when
   * there will be none: a sync needs no spare.
   */
  async prepare(asked: Asked): Promise<void> {
    const key = keyOf(asked);
    if (this.#closed || this.#spares.has(key)) return;
    const spare: Spare = { stop: new AbortController(), sinceMs: this.#clock.now() };
    this.#spares.set(key, spare);
    this.#dropOldest();
    const forget = (): void => {
      if (this.#spares.get(key) === spare) this.#spares.delete(key);
    };
    try {
      const greeting = await greet(this.#transport, asked, {
        signal: spare.stop.signal,
        clock: this.#clock,
        syncing: false,
      });
      void greeting.conversation.ended.then(forget);
      spare.greeting = greeting;
    } catch {
      forget();
    }
  }

  /** Ends all that wait, and begins none any more. May be called twice. What was taken is its taker's. */
  async close(): Promise<void> {
    this.#closed = true;
    const waiting = [...this.#spares.values()];
    this.#spares.clear();
    for (const { stop } of waiting) stop.abort(new Error('the connection is not needed any more'));
    for (const { greeting } of waiting) await greeting?.conversation.close();
  }

  #dropOldest(): void {
    for (const [key, { stop }] of this.#spares) {
      if (this.#spares.size <= mostSpares) return;
      this.#spares.delete(key);
      stop.abort(new Error('newer conversations need the room'));
    }
  }
}

interface Spare {
  readonly stop: AbortController;
  readonly sinceMs: number;
  /** Once the far half waits. */
  greeting?: Greeting;
}

const keyOf = ({ format, workspace }: Asked): string => `${format} ${workspace}`;
