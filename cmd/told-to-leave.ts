/**
 * Why this command is aborted, where that was no Ctrl-C: its terminal is gone, or somebody ends it. What lives on by itself
 * is left alone. Named as every abort.
 */
export class ToldToLeave extends Error {
  override readonly name = 'AbortError';
}
