import type { TestContext } from 'vitest';

/** What came of a fault: in words that the reliability table of the README shows. */
export type FaultOutcome =
  /** The same command finished the work. */
  | 'finished by the same sync'
  /** The command failed with a clear error, and the next plain `sync` finished. */
  | 'clear error; the next sync finished'
  /** The command failed with a clear error and changed nothing; once the cause was gone, a plain `sync` finished. */
  | 'clear error; finished once the cause was gone'
  /** There was something to lose, and it was kept. */
  | 'kept'
  /** It was refused, and nothing was changed. */
  | 'refused, nothing changed'
  /** What was sent to do harm did none. */
  | 'harmless';

/** One row of the reliability table. Rows that differ only in `times` are added up. */
export interface FaultTrial {
  /** What went wrong, as in `connection reset`. */
  readonly fault: string;
  /** Where it was injected, as in `after every byte of the conversation, both directions`. */
  readonly where: string;
  readonly times: number;
  readonly outcome: FaultOutcome;
}

declare module 'vitest' {
  interface TaskMeta {
    faults?: FaultTrial[];
  }
}

/** Notes what a test tried, for the table that `npm run faults` prints. It counts only if the test passes. */
export function tried({ task }: Pick<TestContext, 'task'>, trial: FaultTrial): void {
  (task.meta.faults ??= []).push(trial);
}
