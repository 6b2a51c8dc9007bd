/** How often the daemon shows that it lives while it works for a client, in milliseconds. */
export const aliveMs = 1_000;

/** One that shows nothing for so long, in milliseconds, hangs, and its client goes on without it. */
export const silenceMs = 5_000;

/** So much longer than it takes on a busy machine may the first word of one take. */
export const firstWordMs = 2_000;
