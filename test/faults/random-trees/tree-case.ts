import fc from 'fast-check';
import { editsHere, editsThere, type Edit } from './edits.js';
import { names } from './names.js';
import type { Format } from './tree-id.js';

/** How the workspace came to be: by a landing, as a clone in which something landed, or as a clone and nothing more. */
export type Start = 'landed' | 'clone with a landing' | 'clone';

/** Three trees that have much in common, as what made them: what landed last, and what both sides did since. */
export interface TreeCase {
  readonly start: Start;
  readonly format: Format;
  readonly names: readonly string[];
  readonly landed: readonly Edit[];
  readonly here: readonly Edit[];
  readonly there: readonly Edit[];
}

export function treeCase(options: {
  readonly starts: readonly Start[];
  /** More of nested repositories and of ignore rules. */
  readonly tangled: boolean;
}): fc.Arbitrary<TreeCase> {
  const here = editsHere(options);
  return fc.record({
    start: fc.constantFrom(...options.starts),
    format: fc.oneof(
      { weight: 9, arbitrary: fc.constant('sha1' as const) },
      { weight: 1, arbitrary: fc.constant('sha256' as const) },
    ),
    names,
    landed: fc.array(here, { maxLength: 9 }),
    here: fc.array(here, { maxLength: 6 }),
    there: fc.array(editsThere(options), { maxLength: 6 }),
  });
}
