import { existsSync } from 'node:fs';
import path from 'node:path';
import { SidecarError } from '../src/errors.js';
import { landingOf } from '../src/landing.js';
import { aboutSidecar } from '../src/sidecars/about.js';
import { stateHome } from '../src/sidecars/home.js';
import { projectFileName, userFileName } from '../src/sidecars/settings-names.js';
import type { SyncResult } from '../src/sync/result.js';
import type { Context } from './context.js';
import { attach, startThere } from './execution.js';
import { landingAsked, type LandingFlags } from './landing.js';
import { openSidecars, settingsHere } from './sidecars.js';
import { commandLine } from './ui/command-line.js';
import { warnOfWithheld } from './withheld.js';

/** A command that the settings want run in the workspace after each landing that changed something, and its variables. */
export interface AfterLanding {
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

export interface AfterLandingFlags {
  /** False after `--no-after-landing`. */
  readonly afterLanding?: boolean;
}

/** What the settings here say of it. Whoever has none does not pay for reading them. */
export async function afterLandingHere(
  context: Context,
  { afterLanding = true }: AfterLandingFlags,
): Promise<AfterLanding | undefined> {
  if (!hasSettings(context)) return undefined;
  const settings = await settingsHere(context, openSidecars(context));
  warnOfWithheld(context, settings.withheld);
  const command = settings.afterLanding.value;
  return command === undefined || !afterLanding ? undefined : { command, variables: settings.environment };
}

function hasSettings({ env, platform, homeDir, directory }: Context): boolean {
  const { configDir } = stateHome({ env, platform, homeDir });
  if (existsSync(path.join(configDir, userFileName))) return true;
  for (let at = directory; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, projectFileName))) return true;
    if (path.dirname(at) === at) return false;
  }
}

/**
 * Runs it on a landing that changed something: all that it prints goes to stderr. Throws `landing.after_failed` where it
 * does not exit with 0.
 */
export async function runAfterLanding(
  context: Context,
  { command, variables }: AfterLanding,
  { result, flags }: { readonly result: SyncResult; readonly flags: LandingFlags },
): Promise<void> {
  const { sidecar, workspace } = result;
  const { signal, output } = context;
  const { connectTimeout } = flags;
  output.note(`after landing: ${commandLine(command)}`);
  await aboutSidecar(sidecar, async () => {
    const sidecars = openSidecars(context);
    const here = { ...context, sidecar };
    const asked = landingAsked(here, connectTimeout === undefined ? {} : { connectTimeout });
    const { record, options } = await landingOf(sidecars, { ...asked, workdir: workspace }, signal);
    const request = { ...(await options()), command, variables, signal, terminal: undefined };
    const execution = await startThere(here, { sidecars, record, asked, request });
    const exitCode = await attach(here, execution, { onTerminal: false, hasInput: false, onlyStderr: true });
    if (exitCode !== 0) throw new SidecarError('landing.after_failed', { workspace, command, exitCode });
  });
}
