import type { Capabilities } from '../provider.js';
import type { Bench } from './bench.js';

/** One thing that every provider promises. It fails by throwing. */
export interface Check {
  /** For scripts. */
  readonly id: string;
  /** What is promised, as the end of a sentence that begins with the provider. */
  readonly title: string;
  /** What it takes; of a provider that cannot do it, nothing is promised here. */
  readonly needs?: readonly Exclude<keyof Capabilities, 'hostKey' | 'readsLag'>[];
  readonly run: (bench: Bench) => Promise<void>;
}

/** The promise is broken, in words for its author. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** Nothing is promised here, or nothing can be found out. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Broken(otherwise);
}
