/** Something that goes on for a client over a channel: a command, or a forwarded connection. */
export interface Running {
  /** The client is gone, or nobody waits any longer: ends it. `kill` gives it no time to end by itself. */
  hangUp(how?: 'kill'): void;
  /** Resolves when nothing of it is left. Never rejects. */
  readonly done: Promise<void>;
}
