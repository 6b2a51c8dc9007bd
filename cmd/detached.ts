import type { DetachedRuns } from '../src/run/detached.js';
import type { RunState } from '../src/run/detached-list.js';
import type { Followed, FollowOptions } from '../src/run/follow.js';
import type { Context } from './context.js';
import { passOn } from './execution.js';
import { landingAsked, type LandingFlags, type LandingHere } from './landing.js';
import { startOnSession } from './on-session.js';
import { ToldToLeave } from './told-to-leave.js';

/** Asks about runs on the daemon's session, where there is one. */
export async function withRuns<T>(
  context: Context,
  { sidecars, record, options }: LandingHere,
  {
    flags,
    workdir,
    work,
  }: {
    readonly flags: LandingFlags;
    /** The workspace, where it is known. */
    readonly workdir?: string;
    readonly work: (runs: DetachedRuns) => Promise<T>;
  },
): Promise<T> {
  const { signal } = context;
  const landing = await options();
  const { deadlineMs } = landing;
  const request = { ...landing, ...(workdir === undefined ? {} : { workdir }), signal };
  const asked = landingAsked(context, flags);
  return startOnSession(context, { record, asked, deadlineMs }, async (way) =>
    work(await sidecars.runs(record, { ...request, ...way })),
  );
}

export interface ReadFlags {
  /** False after `--no-map-paths`. */
  readonly mapPaths: boolean;
  readonly connectTimeout?: string;
}

interface Wanted extends FollowOptions {
  readonly flags: ReadFlags;
  /** Whether Ctrl-C is meant for the run. */
  readonly isAttached: boolean;
}

/** How long the far side has to hear an interrupt, in milliseconds: a command that is interrupted ends soon after. */
const hearMs = 600;

/** Passes on what a run prints, and tells how it stands at the end of that; a number where nobody reads any more. */
export async function passRun(
  context: Context,
  here: LandingHere,
  { id, follow, flags, isAttached }: Wanted,
): Promise<{ readonly run: string; readonly state: RunState | number }> {
  const { signal, output, clock } = context;
  const { directory } = await here.options();
  const { root: to } = await here.sidecars.workingTree(directory, signal);
  // What reads the run has to outlive a Ctrl-C, to hand it on.
  const leaving = new AbortController();
  const current: { followed?: Followed } = {};
  const leave = (): void => {
    if (current.followed === undefined) leaving.abort(signal.reason);
  };
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  const followed = await withRuns({ ...context, signal: leaving.signal }, here, {
    flags: connectFlags(flags),
    work: (runs) => runs.follow({ id, follow }),
  });
  current.followed = followed;
  const { run, workspace: from, stdout, stderr, ended } = followed;
  const left = { by: false };
  const detach = (): void => {
    left.by = true;
    followed.close();
  };
  const interrupt = async (): Promise<void> => {
    const isHeard = followed.interrupt().then(() => true);
    if (await Promise.race([isHeard, clock.sleep(hearMs).then(() => false)])) return;
    output.leftBehind(
      `run ${run.id} may still go on: nobody there has heard the interrupt; \`sidecar attach ${run.id}\` tells`,
    );
    detach();
  };
  const stop = (): void => {
    if (isAttached && signal.aborted && !(signal.reason instanceof ToldToLeave)) void interrupt();
    else detach();
  };
  const told = ended.catch((error: unknown) => {
    if (left.by) return run;
    throw error;
  });
  const mapping = flags.mapPaths ? { from, to } : undefined;
  output.clearProgress();
  return { run: run.id, state: await passOn(context, { stdout, stderr, ended: told, stop }, { mapping }) };
}

export function connectFlags({ connectTimeout }: ReadFlags): LandingFlags {
  return connectTimeout === undefined ? {} : { connectTimeout };
}
