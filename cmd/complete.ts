import { listNames } from '../src/sidecars/name-list.js';
import { stateHome } from '../src/sidecars/home.js';

/**
 * What completion scripts ask for: the words that may come next, one a line. They ask at every press of a key, so this
 * only looks into a file; and whatever is wrong, there is nothing to complete, and nothing is said.
 */
export function completions(what: string | undefined, sources: Parameters<typeof stateHome>[0]): string {
  try {
    if (what !== 'names') return '';
    return listNames(stateHome(sources).stateDir)
      .toSorted()
      .map((name) => `${name}\n`)
      .join('');
  } catch {
    return '';
  }
}
