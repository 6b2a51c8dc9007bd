/** What crossed the network, seen from this side. */
export interface Traffic {
  /** How many answers in a row this side may have had to wait for. See TrafficCount. */
  readonly roundTrips: number;
  /** Bytes of TCP payload; no headers. */
  readonly upBytes: number;
  readonly downBytes: number;
}

/** How long a chain of messages, each sent after the one before it had arrived, ends with this one. */
type Depth = number;

/**
 * Counts what crosses a network. Round trips are those of the longest chain in which each message left after the one
 * before it had arrived: send, answer, send, answer. It can be no longer than the network gives time for, and what is
 * sent without waiting makes it no longer, but nobody can tell from outside whether a sender waited or just happened to
 * have heard something by then. So it is an upper bound. It is close where the round trip is long; at 0 ms, where an
 * answer is there at once, it counts every change from hearing to sending. A new connection costs one, for TCP.
 */
export class TrafficCount {
  #here: Depth = 0;
  #there: Depth = 0;
  #upBytes = 0;
  #downBytes = 0;

  get soFar(): Traffic {
    return { roundTrips: this.#here, upBytes: this.#upBytes, downBytes: this.#downBytes };
  }

  /** This side opened a connection. What it returns is for `reachedThere`, once the other side has it too. */
  opened(): Depth {
    this.#here += 1;
    return this.#here;
  }

  /** This side sent so many bytes. What it returns is for `reachedThere`. */
  sent(bytes: number): Depth {
    this.#upBytes += bytes;
    return this.#here;
  }

  reachedThere(depth: Depth): void {
    this.#there = Math.max(this.#there, depth);
  }

  /** The other side sent so many bytes. What it returns is for `reachedHere`. */
  answered(bytes: number): Depth {
    this.#downBytes += bytes;
    return this.#there + 1;
  }

  reachedHere(depth: Depth): void {
    this.#here = Math.max(this.#here, depth);
  }
}

/** What crossed after `before` was taken. */
export function since(before: Traffic, after: Traffic): Traffic {
  return {
    roundTrips: after.roundTrips - before.roundTrips,
    upBytes: after.upBytes - before.upBytes,
    downBytes: after.downBytes - before.downBytes,
  };
}
