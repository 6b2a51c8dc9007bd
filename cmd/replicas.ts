import { asSidecarError, SidecarError } from '../src/errors.js';
import { checkName } from '../src/sidecars/names.js';
import type { Context } from './context.js';
import { errorDocument, errorLines } from './ui/error-report.js';
import { exitCode, exitCodes } from './ui/exit-codes.js';
import type { Line } from './ui/line.js';

const mostReplicas = 100;

/** `web`, or `web-1`, `web-2`, …: each is a sidecar of its own, with keys of its own. */
export function replicaNames(name: string, replicas = '1'): readonly string[] {
  const count = /^\d{1,3}$/.test(replicas) ? Number(replicas) : 0;
  if (count < 1 || count > mostReplicas) {
    const reason = `--replicas must be a number from 1 to ${mostReplicas}`;
    throw new SidecarError('usage.invalid', { reason, value: replicas });
  }
  if (count === 1) return [name];
  return Array.from({ length: count }, (_, index) => checkName(`${name}-${index + 1}`));
}

export interface Created {
  readonly document: object;
  readonly lines: readonly Line[];
}

interface Replica {
  /** The sidecar, also where what came after its creation failed. */
  readonly document: object | undefined;
  readonly lines: readonly Line[];
  readonly failure?: SidecarError;
}

type Make = (name: string, onMade: (document: object) => void) => Promise<Created>;

/**
 * Makes one of each name, and tells what was made and all that failed, each with its name. With --json, stdout holds both, and
 * stderr the first error alone. Answers with the exit code of that; throws where it was interrupted before all were made.
 */
export async function createReplicas(context: Context, names: readonly string[], make: Make): Promise<number> {
  const { output, signal } = context;
  const replicas = await inTurns(names, (name) => createReplica(name, make, signal));
  const failures = replicas.flatMap(({ failure }) => failure ?? []);
  output.outcome(
    {
      made: replicas.flatMap(({ document }) => document ?? []),
      failed: failures.map((failure) => errorDocument(failure).error),
    },
    replicas.flatMap(({ lines }) => lines),
  );
  const interruption = failures.find(isInterruption);
  const [first, ...others] = failures.filter((failure) => !isInterruption(failure));
  const told = output.json ? [] : others;
  for (const failure of first === undefined || (output.json && interruption !== undefined) ? [] : [first, ...told]) {
    const lines = errorLines(failure, { stack: output.verbose, name: String(failure.facts['name']) });
    output.fail(errorDocument(failure, output.left), lines);
  }
  if (interruption !== undefined) throw interruption;
  return first === undefined ? exitCode.done : exitCodes[first.code];
}

async function createReplica(name: string, make: Make, signal: AbortSignal): Promise<Replica> {
  const made: { document?: object } = {};
  try {
    signal.throwIfAborted();
    return await make(name, (document) => (made.document = document));
  } catch (thrown) {
    // Whatever fails after Ctrl-C fails because of it.
    const error = signal.aborted ? new SidecarError('interrupted', {}, { cause: thrown }) : asSidecarError(thrown);
    const failure = new SidecarError(error.code, { ...error.facts, name }, { cause: error });
    return { document: made.document, lines: [], failure };
  }
}

const isInterruption = ({ code }: SidecarError): boolean => code === 'interrupted';

const atOnce = 4;

/** A few at a time. */
async function inTurns<T>(names: readonly string[], work: (name: string) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  const waiting = names.entries();
  const worker = async (): Promise<void> => {
    for (const [index, name] of waiting) results[index] = await work(name);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
