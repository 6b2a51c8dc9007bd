/**
 * How much of what the other side says is taken. It need not be honest: nothing that it sends may fill the memory here,
 * or go on for ever. Sizes are in bytes.
 */

/** What start files and messages may print besides answers, on either stream. It is read and dropped. */
export const printLimit = 16 * 1024 * 1024;

/** One answer. The longest holds a path. */
export const answerLimit = 64 * 1024;

/** A path that is shown: Linux takes none that is longer (PATH_MAX). */
export const pathLimit = 4096;

/** Why something failed over there, in characters. */
const reasonLimit = 1000;

/** Paths that are listed, drift and repositories left alone, each with the memory that a string takes here. */
export const listLimit = 128 * 1024 * 1024;

/** A pack of what stands there, to be looked at here. It goes to the disk. */
export const fetchLimit = 8 * 1024 * 1024 * 1024;

/** How often a landing may say that it waits. It does so five times in a second: this is five hours. */
export const waitingLimit = 100_000;

/** Words of the other side, cut to a length that can be shown. */
export function shortened(text: string): string {
  return text.length <= reasonLimit ? text : `${text.slice(0, reasonLimit)}…`;
}
