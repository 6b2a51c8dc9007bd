/** A file that an editor reads, and what is to stand in it. */
export interface EditorFile {
  /** From the root of the working tree, with `/` between its parts. */
  readonly path: string;
  /**
   * What the file is to hold, given what it holds; undefined where there is none. With `force`, what differs is replaced.
   *
   * Throws `JsoncError` for a text that nothing can be merged into.
   */
  readonly merge: (existing: string | undefined, options: { readonly force: boolean }) => Merged;
}

export interface Merged {
  /** Equal to what it was where nothing is to be written. */
  readonly text: string;
  readonly entries: readonly Entry[];
}

/** One thing that the file is to hold. */
export interface Entry {
  /** A task's label, or a key; absent where it is the file as a whole. */
  readonly name?: string;
  readonly was: 'absent' | 'same' | 'replaced' | 'left-alone';
  /** What was not written, for the user to take over by hand: of a file that is theirs rather than ours. */
  readonly snippet?: string;
}

/** A file that is written as a whole: nothing can be merged into one of its format. */
export function wholeFile(path: string, text: string, { theirs = false } = {}): EditorFile {
  return {
    path,
    merge: (existing, { force }) => {
      if (existing === undefined) return { text, entries: [{ was: 'absent' }] };
      if (existing === text) return { text, entries: [{ was: 'same' }] };
      return force
        ? { text, entries: [{ was: 'replaced' }] }
        : { text: existing, entries: [{ was: 'left-alone', ...(theirs && { snippet: text }) }] };
    },
  };
}
