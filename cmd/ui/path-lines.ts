import type { Paths } from '../../src/workspace/changes.js';
import type { Line, Style } from './line.js';

/** How many paths of a kind are shown: more than that nobody reads, and `--json` has them all. */
const shown = 50;

const kinds = [
  ['modified', 'yellow'],
  ['added', 'green'],
  ['deleted', 'red'],
] as const satisfies readonly (readonly [keyof Paths, Style])[];

/** One line for each path, with what happens to it, as `git status` has it. */
export function pathLines(paths: Paths): readonly Line[] {
  return kinds.flatMap(([kind, style]) => {
    const label = `  ${`${kind}:`.padEnd(10)}`;
    const lines = paths[kind].slice(0, shown).map((path): Line => [label, { text: path, style }]);
    const rest = paths[kind].length - shown;
    return rest > 0 ? [...lines, [`${label}and ${rest} more`]] : lines;
  });
}

export const countOf = ({ added, modified, deleted }: Paths): number => added.length + modified.length + deleted.length;

/** `2 modified, 1 deleted`. */
export function countWords(counts: Readonly<Record<keyof Paths, number>>): string {
  const said = kinds.filter(([kind]) => counts[kind] > 0).map(([kind]) => `${counts[kind]} ${kind}`);
  return said.length === 0 ? 'no change' : said.join(', ');
}
