import { SidecarError } from '../../../src/errors.js';
import type { SyncRequest } from '../../../src/sync/request.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { memoryTransport } from '../../fakes/memory-transport.js';
import type { Bed } from '../bed/bed.js';
import { farLogin, opening } from '../bed/far-login.js';
import type { FarSteps, StepFault } from '../bed/far-steps.js';
import { scale } from '../scale.js';

/** What a sync may say whose far half broke down. */
const clearErrors = ['ssh.connection_lost', 'sync.remote_failed', 'sync.remote_git', 'sync.unsettled'];

/** What it may say whatever breaks down, where there is reason. */
const refusals = ['sync.drifted', 'sync.not_empty'];

/** What came of a sync that a fault struck. */
export type Struck =
  | { readonly kind: 'finished'; readonly result: SyncResult }
  | { readonly kind: 'failed'; readonly error: SidecarError };

/**
 * One sync, which a fault strikes at a step over there: its number, or a pattern of its command line. Where the fault is
 * to wait, `meanwhile` happens. Rejects when what the sync says is no clear error.
 */
export async function strike(
  bed: Bed,
  steps: FarSteps,
  {
    at,
    fault,
    meanwhile,
    request = {},
  }: {
    readonly at: number | string;
    readonly fault: StepFault;
    /** Default: the connection is cut. */
    readonly meanwhile?: () => void;
    readonly request?: Partial<SyncRequest>;
  },
): Promise<Struck & { readonly settled: () => Promise<void> }> {
  bed.restore();
  steps.plan(at, fault);
  const login = farLogin(bed.side, { afterlife: 'runs on', env: steps.env });
  const transport = memoryTransport(login.handler);
  const reached = steps.onReached(meanwhile ?? (() => transport.cut()));
  try {
    const result = await bed.side.sync({ ...request, ...opening(() => transport, { again: false }) });
    return { kind: 'finished', result, settled: () => login.settled() };
  } catch (error) {
    if (!(error instanceof SidecarError) || ![...clearErrors, ...refusals].includes(error.code)) throw error;
    return { kind: 'failed', error, settled: () => login.settled() };
  } finally {
    reached.stop();
  }
}

/** The steps of a landing that nothing strikes, as command lines. */
export async function stepsOf(
  bed: Bed,
  steps: FarSteps,
  request: Partial<SyncRequest> = {},
): Promise<readonly string[]> {
  const { settled } = await strike(bed, steps, { at: 0, fault: 'it waits', request });
  await settled();
  return steps.taken;
}

/** The numbers of the steps that count; in the usual run, one of `stride`. */
export function some(taken: readonly string[], counts: (line: string) => boolean, stride: number): number[] {
  const all = taken.flatMap((line, index) => (counts(line) ? [index + 1] : []));
  return all.filter((_, index) => scale > 1 || index % stride === 0);
}

/** The step in words, for a test that fails there. */
export const atStep = (steps: FarSteps, step: number): string => `at step ${step}: ${steps.taken[step - 1] ?? 'none'}`;
