import { asSidecarError, SidecarError } from '../../src/errors.js';
import { askDaemon } from '../../src/daemon/client.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import { afterLandingHere, runAfterLanding, type AfterLandingFlags } from '../after-landing.js';
import type { Context } from '../context.js';
import { landingAsked, landingHere, type LandingFlags } from '../landing.js';
import { callerOf, throughDaemon } from '../through-daemon.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { errorDocument } from '../ui/error-report.js';
import { explain } from '../ui/explain.js';
import { problemOf } from '../ui/problem-line.js';
import { lateReporter } from '../ui/reporter.js';
import { driftWarning, keptWarning, syncSummary } from '../ui/sync-summary.js';

export interface SyncFlags extends LandingFlags, AfterLandingFlags {
  readonly dryRun?: boolean;
  readonly history?: boolean;
  readonly bestEffort?: boolean;
}

/**
 * With `--best-effort`, nothing that fails here is an error but a wrong command line: what starts a container must not fail
 * because of the machine beside it.
 */
export async function sync(context: Context, flags: SyncFlags): Promise<void> {
  const { output } = context;
  let hasLanded = false;
  try {
    const after = await afterLandingHere(context, flags);
    const { historyError, ...result } = await land(context, flags);
    hasLanded = true;
    const failed =
      historyError === undefined
        ? undefined
        : new SidecarError(historyError.code, { ...historyError.facts, sidecar: result.sidecar });
    const warning = driftWarning(result);
    if (warning !== undefined) output.warn(warning);
    const kept = keptWarning(result);
    if (kept !== undefined) output.warn(kept);
    output.outcome(result, [syncSummary(result)]);
    const isDone = result.upToDate || flags.dryRun === true;
    try {
      if (after !== undefined && !isDone) await runAfterLanding(context, after, { result, flags });
    } catch (error) {
      if (failed !== undefined) output.warn(explain(failed).message);
      throw error;
    }
    if (failed !== undefined) throw failed;
  } catch (error) {
    if (flags.bestEffort !== true || context.signal.aborted) throw error;
    const passedOver = asSidecarError(error);
    if (passedOver.code === 'usage.invalid') throw error;
    const problem = problemOf(passedOver);
    if (problem !== undefined) output.problem({ ...problem, severity: 'warning' });
    const { message } = explain(passedOver);
    output.warn(hasLanded ? message : `nothing was synced: ${message}`);
    if (!hasLanded) output.outcome({ skipped: true, ...errorDocument(passedOver) }, []);
  }
}

/** Lands by the daemon, where there is one: it has a session open. */
export async function land(
  context: Context,
  { dryRun = false, history = false, ...flags }: SyncFlags,
): Promise<SyncResult> {
  const how = { dryRun, history };
  const { emit, chosen } = lateReporter(context.output);
  const askPassphrase = passphrasePrompt(context);
  const caller = callerOf(context, landingAsked(context, flags));
  return throughDaemon(context, {
    ask: (options) => askDaemon({ command: 'sync', ...caller, ...how, canAsk: askPassphrase !== undefined }, options),
    ...{ caller, emit, chosen, askPassphrase },
    directly: async ({ emit: tell, spentMs }) => {
      const { sidecars, record, options } = await landingHere(context, flags);
      chosen(record.name);
      return aboutSidecar(record.name, async () => {
        const { deadlineMs, ...rest } = await options();
        return sidecars.sync(record, { ...rest, ...how, deadlineMs: deadlineMs - spentMs, emit: tell });
      });
    },
  });
}
