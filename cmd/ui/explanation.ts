import type { ErrorCode, Facts } from '../../src/errors.js';

/** An error in words for people. */
export interface Explanation {
  /** What happened, and why. */
  readonly message: string;
  /** What to do next; empty where there is nothing to do. */
  readonly hint: string;
}

export type Explanations = Readonly<Partial<Record<ErrorCode, (facts: Facts) => Explanation>>>;
