/** How often the daemon shows that it lives while it works for a client, in milliseconds. */
export const aliveMs = 1_000;

/** One that shows nothing for so long, in milliseconds, hangs, and its client goes on without it. */
export const silenceMs = 5_000;

/**
 * Its first word takes a moment, unless it reads a large tree for somebody else. Whoever would take its place gives it as
 * long, in milliseconds.
 */
export const firstWordMs = 4_000;
