import { SidecarError } from '../../src/errors.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import type { Settings } from '../../src/sidecars/settings.js';
import type { SyncResult } from '../../src/sync/result.js';
import { aboutSidecar } from '../about-sidecar.js';
import { chosenSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { openSidecars, settingsHere } from '../sidecars.js';
import { workingTreeHere } from '../working-tree.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { errorDocument } from '../ui/error-report.js';
import { exitCode, exitCodes } from '../ui/exit-codes.js';
import { explain } from '../ui/explain.js';
import { createReporter } from '../ui/reporter.js';
import { driftWarning, syncSummary } from '../ui/sync-summary.js';

export interface SyncFlags {
  readonly dryRun?: boolean;
  readonly drift?: string;
  readonly adopt?: boolean;
  readonly bestEffort?: boolean;
  readonly connectTimeout?: string;
}

export async function sync(context: Context, flags: SyncFlags): Promise<void> {
  const { output } = context;
  try {
    const result = await land(context, flags);
    const warning = driftWarning(result);
    if (warning !== undefined) output.warn(warning);
    output.outcome(result, [syncSummary(result)]);
  } catch (error) {
    if (flags.bestEffort !== true || !isSkippable(error) || context.signal.aborted) throw error;
    output.warn(`nothing was synced: ${explain(error).message}`);
    output.outcome({ skipped: true, ...errorDocument(error) }, []);
  }
}

async function land(context: Context, flags: SyncFlags): Promise<SyncResult> {
  const { drift, connectTimeout, adopt = false, dryRun = false } = flags;
  const sidecars = openSidecars(context);
  const settings = await settingsHere(context, sidecars, { drift, connectTimeout });
  const record = await chosenSidecar(context, sidecars, settings);
  const workdir = workspaceOf(record, settings);
  return aboutSidecar(record.name, async () =>
    sidecars.sync(record, {
      directory: await workingTreeHere(context, sidecars),
      ...(workdir === undefined ? {} : { workdir }),
      drift: settings.drift.value,
      adopt,
      dryRun,
      deadlineMs: settings.connectTimeoutMs.value,
      askPassphrase: passphrasePrompt(context),
      signal: context.signal,
      emit: createReporter(context.output, record.name),
    }),
  );
}

/** What was said of this one sidecar outweighs what a file says of all of them, and a variable says it for this once. */
function workspaceOf(record: SidecarRecord, { workdir }: Settings): string | undefined {
  return workdir.source.kind === 'environment' ? workdir.value : (record.workdir ?? workdir.value);
}

/** What `--best-effort` lets pass: there is no sidecar to sync to, or no way to it. */
function isSkippable(error: unknown): error is SidecarError {
  if (!(error instanceof SidecarError)) return false;
  return error.code === 'sidecar.none_selected' || exitCodes[error.code] === exitCode.noSession;
}
