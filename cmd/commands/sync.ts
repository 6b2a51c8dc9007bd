import { SidecarError } from '../../src/errors.js';
import { askDaemon } from '../../src/daemon/client.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import { afterLandingHere, runAfterLanding, type AfterLandingFlags } from '../after-landing.js';
import type { Context } from '../context.js';
import { landingAsked, landingHere, type LandingFlags } from '../landing.js';
import { callerOf, throughDaemon } from '../through-daemon.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { errorDocument } from '../ui/error-report.js';
import { exitCode, exitCodes } from '../ui/exit-codes.js';
import { explain } from '../ui/explain.js';
import { lateReporter } from '../ui/reporter.js';
import { driftWarning, keptWarning, syncSummary } from '../ui/sync-summary.js';

export interface SyncFlags extends LandingFlags, AfterLandingFlags {
  readonly dryRun?: boolean;
  readonly history?: boolean;
  readonly bestEffort?: boolean;
}

export async function sync(context: Context, flags: SyncFlags): Promise<void> {
  const { output } = context;
  const after = await afterLandingHere(context, flags);
  const result = await landOrSkip(context, flags);
  if (result === undefined) return;
  const warning = driftWarning(result);
  if (warning !== undefined) output.warn(warning);
  const kept = keptWarning(result);
  if (kept !== undefined) output.warn(kept);
  output.outcome(result, [syncSummary(result)]);
  const isDone = result.upToDate || flags.dryRun === true;
  if (after !== undefined && !isDone) await runAfterLanding(context, after, { result, flags });
}

/** Undefined where nothing is synced, and that is to be put up with. */
async function landOrSkip(context: Context, flags: SyncFlags): Promise<SyncResult | undefined> {
  const { output } = context;
  try {
    return await land(context, flags);
  } catch (error) {
    if (flags.bestEffort !== true || !isSkippable(error) || context.signal.aborted) throw error;
    output.warn(`nothing was synced: ${explain(error).message}`);
    output.outcome({ skipped: true, ...errorDocument(error) }, []);
    return undefined;
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

/** What `--best-effort` lets pass: there is no sidecar to sync to, or no way to it. */
function isSkippable(error: unknown): error is SidecarError {
  if (!(error instanceof SidecarError)) return false;
  return error.code === 'sidecar.none_selected' || exitCodes[error.code] === exitCode.noSession;
}
