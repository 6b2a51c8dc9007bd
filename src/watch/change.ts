/**
 * What is known of a change:
 * - these paths, absolute, were touched: whether that changes what travels is to be found out;
 * - something may have happened that nobody told of: the tree has to be looked at;
 * - something travels that has not landed, or the other side is to be seen to: a landing is due.
 */
export type Change =
  | { readonly kind: 'touched'; readonly paths: ReadonlySet<string> }
  | { readonly kind: 'unseen' }
  | { readonly kind: 'due' };

/** More paths than this are not weighed one by one. */
const weighedPaths = 1000;

export function touched(paths: Iterable<string>): Change {
  const set = new Set(paths);
  return set.size > weighedPaths ? { kind: 'unseen' } : { kind: 'touched', paths: set };
}

/** Both of them: what asks for more outweighs the other. */
export function both(one: Change, other: Change): Change {
  if (one.kind === 'touched' && other.kind === 'touched') return touched([...one.paths, ...other.paths]);
  if (one.kind === 'due' || other.kind === 'due') return { kind: 'due' };
  return { kind: 'unseen' };
}
