import type { Answer } from '../sync/answers.js';
import { objectId, unexpected } from '../sync/hello.js';

/** The tree that landed last in a workspace, whoever it came from. */
export interface Receipt {
  readonly tree: string;
  /** Since when it is the landed one, by the clock over there (ISO 8601); null where that machine cannot tell. */
  readonly at: string | null;
}

/** `TREE SECONDS`, each of them `-` where there is none. */
export function parseReceipt(answer: Answer): Receipt | null {
  const [, tree = '', seconds = ''] = /^(\S+) (-|\d{1,11})$/.exec(answer.rest) ?? [];
  if (seconds === '') throw unexpected(answer);
  if (tree === '-') return null;
  const at = seconds === '-' ? null : new Date(Number(seconds) * 1000).toISOString();
  return { tree: objectId(tree), at };
}
