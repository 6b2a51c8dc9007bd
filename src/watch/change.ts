/**
 * What is known of a change:
 * - these paths, absolute, were touched: whether that changes what travels is to be found out;
 * - something may have happened that nobody told of: the tree has to be looked at;
 * - the connection was lost, and what it led to may be another machine by now: a landing is due, unless the machine sleeps;
 * - something travels that has not landed: a landing is due.
 */
export type Change =
  | { readonly kind: 'touched'; readonly paths: ReadonlySet<string> }
  | { readonly kind: 'unseen' }
  | { readonly kind: 'lost' }
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
  const kinds = new Set([one.kind, other.kind]);
  if (kinds.has('due')) return { kind: 'due' };
  if (!kinds.has('lost')) return { kind: 'unseen' };
  // What was touched is not weighed any more; what nobody saw is looked for again.
  return kinds.has('touched') ? { kind: 'due' } : { kind: 'lost' };
}
