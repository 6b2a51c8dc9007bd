import path from 'node:path';
import { askDaemon, type Answer, type AskOptions, type Without } from '../src/daemon/client.js';
import type { RequestOf, Results } from '../src/daemon/message.js';
import { daemonPlace } from '../src/daemon/place.js';
import type { Emit } from '../src/events.js';
import type { LandingAsked } from '../src/landing.js';
import { stateHome } from '../src/sidecars/home.js';
import type { Context } from './context.js';
import { daemonBuild, daemonEntry } from './daemon.js';
import { saidOnce } from './ui/said-once.js';

/** Work that the daemon can do, and this process as well. */
export interface Work<T> {
  /** Who asks, and for which landing. */
  readonly caller: Caller;
  /** Has the daemon do it. */
  readonly ask: (options: AskOptions) => Promise<Answer<T>>;
  readonly emit: Emit;
  readonly chosen: (sidecar: string) => void;
  readonly askPassphrase: AskOptions['askPassphrase'];
  /** Does it here. `spentMs` of the time for connecting are gone. */
  readonly directly: (how: { readonly emit: Emit; readonly spentMs: number }) => Promise<T>;
  /** It has only begun when there is a result: that is not held up. */
  readonly goesOn?: boolean;
}

/**
 * Has the daemon do the work, or does it here where there is none that answers: with the same result. Then one is
 * started, beside the work once a session is open, so that the next command finds a session of the daemon's own.
 */
export async function throughDaemon<T>(context: Context, work: Work<T>): Promise<T> {
  if (!context.daemon) return work.directly({ emit: work.emit, spentMs: 0 });
  const { caller, chosen, askPassphrase, goesOn = false } = work;
  const { clock, signal } = context;
  const startedMs = clock.now();
  const at = await placeAndBuild(context);
  // Whoever begins anew does not say everything anew.
  const told = saidOnce(work.emit, ['connect.waiting', 'snapshot.skipped', 'sync.left_alone', 'sync.waiting']);
  const seen = { isOpen: false, mayStart: false };
  let started: Promise<void> | undefined;
  const warm = async (prepare: boolean): Promise<void> => {
    await askDaemon({ command: 'warm', ...caller, prepare }, at).catch(() => undefined);
  };
  const start = async (): Promise<void> => {
    const { startDaemon } = await import('../src/daemon/start.js');
    await startDaemon(at.place, { entry: daemonEntry, env: context.env });
  };
  const emit: Emit = (event) => {
    if (event.kind === 'connect.open') {
      seen.isOpen = true;
      if (seen.mayStart) started ??= start().then(() => void warm(false));
    }
    told(event);
  };
  const answer = await work.ask({ ...at, signal, chosen, askPassphrase, emit });
  if (answer.kind === 'result') return answer.result;
  if (context.output.verbose) context.output.note(words[answer.why]);

  seen.mayStart = answer.why !== 'newer' && answer.why !== 'full';
  const result = await work.directly({ emit, spentMs: seen.isOpen ? 0 : clock.now() - startedMs });
  if (started !== undefined && !goesOn) {
    await started;
    await warm(true);
  }
  return result;
}

/** Tells the daemon something that it need not know. Nothing happens where there is none. */
export async function tellDaemon<C extends keyof Results>(context: Context, request: RequestOf<C>): Promise<void> {
  if (context.daemon) await askDaemon<C>(request, await placeAndBuild(context)).catch(() => undefined);
}

export async function placeAndBuild({ env, platform, homeDir }: Context): Promise<Pick<AskOptions, 'place' | 'build'>> {
  const { stateDir } = stateHome({ env, platform, homeDir });
  return { place: await daemonPlace(stateDir, { platform, uid: process.getuid?.() }), build: daemonBuild() };
}

/** What a request says of the one who asks. */
export type Caller = Pick<RequestOf<'sync'>, 'env' | 'homeDir' | 'asked'>;

export function callerOf({ env, homeDir }: Context, asked: LandingAsked): Caller {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { SIDECAR_HOME: home = '' } = env;
  // The daemon works in another directory.
  const absolute = home === '' ? {} : { SIDECAR_HOME: path.resolve(home) };
  return { env: { ...Object.fromEntries(set), ...absolute }, homeDir, asked: { ...asked } };
}

const words: Readonly<Record<Without, string>> = {
  absent: 'there is no daemon; going on without it',
  older: 'the daemon is of an older build and ends; going on without it',
  newer: 'the daemon is of a newer build; going on without it',
  silent: 'the daemon does not answer; going on without it',
  ended: 'the daemon ended; going on without it',
  full: 'the daemon’s session takes no more commands; going on without it',
};
