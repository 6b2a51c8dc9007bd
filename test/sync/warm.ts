import { systemClock } from '../../src/clock.js';
import type { Asked } from '../../src/sync/greeting.js';
import type { OpenSession } from '../../src/sync/request.js';
import { Spares } from '../../src/sync/spares.js';
import { memoryTransport, type Cut, type Handler, type MemoryTransport } from '../fakes/memory-transport.js';

/** A connection that stays open between syncs. The spare for the next one waits before a sync is said to be done. */
export class WarmConnection {
  readonly transport: MemoryTransport;
  readonly spares: AwaitedSpares;
  /** How many conversations have begun on it. */
  greeted = 0;
  readonly #running = new Set<Promise<unknown>>();

  constructor(farSide: Handler, cut?: Cut) {
    const counted: Handler = (command, io) => {
      this.greeted += 1;
      const running = farSide(command, io);
      this.#running.add(running);
      const ended = (): void => void this.#running.delete(running);
      running.then(ended, ended);
      return running;
    };
    this.transport = memoryTransport(counted, cut);
    this.spares = new AwaitedSpares(this.transport, systemClock);
  }

  /** What a sync opens: its end is not the connection's. */
  get session(): OpenSession {
    const { transport, spares } = this;
    const lent = { ...transport, close: () => Promise.resolve() };
    return { transport: lent, attempts: 1, elapsedMs: 0, warm: true, spares };
  }

  /** Resolves once no more conversations than that are under way over there. */
  async atMost(conversations: number): Promise<void> {
    while (this.#running.size > conversations) await Promise.race(this.#running);
  }

  close(): void {
    void this.transport.close();
  }
}

class AwaitedSpares extends Spares {
  /** Settles when all that were asked for wait, or have failed to. */
  settled: Promise<unknown> = Promise.resolve();

  override prepare(asked: Asked): Promise<void> {
    const prepared = super.prepare(asked);
    this.settled = Promise.all([this.settled, prepared]);
    return prepared;
  }
}
