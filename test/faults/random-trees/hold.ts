import fc from 'fast-check';
import type { TestContext } from 'vitest';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';

/** How long to look for a smaller case once one has failed. */
const shrinkingMs = 300_000;

/** Time enough for `count` cases, and for a failure to shrink, on a machine that is busy with much else. */
export const patience = (count: number): { readonly timeout: number } => ({
  timeout: 2 * shrinkingMs + count * scale * 15_000,
});

/**
 * Tries random cases, and shrinks one that fails. The usual run tries the same ones every time, the long one others. The
 * message of a failure ends with the command that tries that case alone.
 */
export async function hold<T>(
  context: Pick<TestContext, 'task'>,
  options: {
    readonly cases: fc.Arbitrary<T>;
    readonly count: number;
    readonly play: (one: T) => Promise<void>;
    /** Of the reliability table. */
    readonly where: string;
    readonly show: (one: T) => string;
  },
): Promise<void> {
  const { FAULT_SEED, FAULT_PATH } = process.env;
  const fresh = scale > 1 ? Date.now() % 1_000_000_000 : 1;
  const seed = FAULT_SEED === undefined ? fresh : Number(FAULT_SEED);
  const replay = FAULT_PATH === undefined ? {} : { path: FAULT_PATH, endOnFailure: true };
  const numRuns = FAULT_PATH === undefined ? options.count * scale : 1;
  let failedMs: number | undefined;
  const property = fc.asyncProperty(options.cases, async (one) => {
    // A smaller case is wanted, but not at any price.
    fc.pre(failedMs === undefined || Date.now() - failedMs < shrinkingMs);
    await options.play(one).catch((error: unknown) => {
      failedMs ??= Date.now();
      throw error;
    });
  });
  const outcome = await fc.check(property, { seed, numRuns, ...replay });
  if (outcome.failed) {
    const [found] = outcome.counterexample ?? [];
    const error = outcome.errorInstance;
    const command = `FAULT_SEED=${seed} FAULT_PATH=${outcome.counterexamplePath ?? ''} npm test -- ${context.task.file.name}`;
    const lines = [
      error instanceof Error ? error.message : String(error),
      found === undefined ? '' : options.show(found),
    ];
    throw new Error([...lines, `To try this case alone: ${command}`].join('\n\n'), { cause: error });
  }
  tried(context, {
    fault: 'random trees and edits on both sides',
    where: options.where,
    times: outcome.numRuns,
    outcome: 'kept',
  });
}
