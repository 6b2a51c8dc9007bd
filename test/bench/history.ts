import { randomFrom } from '../fakes/random.js';

/** Files that a branch switch touches in a tree of this size: 2,000, and fewer in one of less than 14,000. */
export function switchedFiles(files: number): number {
  return Math.min(2_000, Math.ceil(files / 7));
}

/** What one branch has that the other has not. */
export interface BranchChange {
  readonly edited: readonly string[];
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Of so many files, one in twenty is removed, one in twenty new, and the rest are edited; spread over the tree. */
export function branchChange(paths: readonly string[], count: number): BranchChange {
  const few = Math.floor(count / 20);
  const chosen = spread(paths, count - few, 0);
  const removed = new Set(spread(chosen, few, 0));
  return {
    edited: chosen.filter((each) => !removed.has(each)),
    removed: [...removed],
    added: [...removed].map((each) => each.replace(/(\.\w+)?$/, '-new$1')),
  };
}

/** So many of them, or all, at equal distances from each other; another choice for another seed. */
export function spread<T>(from: readonly T[], count: number, seed: number): T[] {
  const few = Math.min(count, from.length);
  const stride = Math.floor(from.length / few);
  const start = Math.floor(randomFrom(seed)() * from.length);
  return Array.from({ length: few }, (_, index) => from[(start + index * stride) % from.length]).filter(
    (each) => each !== undefined,
  );
}

/** The directory whose share of the files, those further down too, is nearest to one in twenty. */
export function renamedDirectory(paths: readonly string[]): string {
  const below = new Map<string, number>();
  for (const each of paths) {
    for (let end = each.indexOf('/'); end !== -1; end = each.indexOf('/', end + 1)) {
      const directory = each.slice(0, end);
      below.set(directory, (below.get(directory) ?? 0) + 1);
    }
  }
  const distance = ([, count]: readonly [string, number]): number => Math.abs(count - paths.length / 20);
  const [nearest] = [...below].sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined) throw new Error('no file is in a directory');
  return nearest[0];
}
