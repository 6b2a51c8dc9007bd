import { statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.js';
import type { Emit } from '../events.js';
import type { Environment } from '../git/environment.js';
import { ignoredDirectories } from '../git/ignored.js';
import type { SendRules } from '../git/send-rules.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Change } from './change.js';
import { FileEvents, type Watcher } from './file-events.js';

export interface SourcesOptions {
  readonly tree: WorkingTree;
  readonly gitDir: string | undefined;
  /** Where this program writes: what changes there is its own doing. */
  readonly stateDir: string;
  readonly env: Environment;
  /** What the settings say of what is sent. */
  readonly rules?: (() => Promise<SendRules>) | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly tell: (change: Change) => void;
  /** How long the last look at the tree took, in milliseconds. */
  readonly lookMs: () => number;
  /** Default: @parcel/watcher. */
  readonly load?: (() => Promise<Watcher>) | undefined;
}

/** How often to look at the tree, and for how many times the length of a look at least to leave it alone. */
interface Polling {
  readonly everyMs: number;
  readonly rest: number;
}
/** Instead of events. */
const quick: Polling = { everyMs: 1_000, rest: 10 };
/** Beside events, for what they do not tell: a tenth of a second of every half minute at most. */
const slow: Polling = { everyMs: 30_000, rest: 50 };

/** Of directories that are ignored, as many as are named to the watcher: it compares each event with each of them. */
const mostIgnored = 200;

/**
 * Has every change of the working tree told, one way or another: by file events, and by a look at the tree now and then.
 * Where there are no events, or none are to be relied on, looks are all there is; that is announced, once.
 *
 * Resolves once no change from then on goes by untold. Everything ends with the signal; `close`, after that, waits for it.
 */
export async function startSources(options: SourcesOptions): Promise<{ close(): Promise<void> }> {
  const { tree, gitDir, clock, signal, emit, tell, load = loadWatcher } = options;
  let polling = slow;
  let wakeUp = (): void => undefined;
  const fallBack = (reason: string): void => {
    if (polling === quick) return;
    polling = quick;
    emit({ kind: 'watch.polling', directory: tree.root, reason });
    wakeUp();
  };
  signal.addEventListener('abort', () => wakeUp(), { once: true });
  const inside = gitDir === undefined || gitDir.startsWith(tree.root + path.sep);
  const events = await FileEvents.start({
    load,
    directories: inside ? [tree.root] : [tree.root, gitDir],
    ignored: () => unwatched(options),
    clock,
    signal,
    tell,
    onBroken: (error) => fallBack(reasonOf(error)),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    fallBack(reasonOf(error));
    return undefined;
  });
  const network = await networkFileSystem(tree.root);
  if (network !== undefined) fallBack(`it is on a network file system (${network})`);

  const isOver = (): boolean => signal.aborted;
  const poll = async (): Promise<void> => {
    while (!isOver()) {
      const nap = new AbortController();
      wakeUp = () => nap.abort();
      const ms = Math.max(polling.everyMs, polling.rest * options.lookMs());
      await clock.sleep(ms, nap.signal).catch(() => undefined);
      if (!isOver()) tell({ kind: 'unseen' });
    }
  };
  const polled = poll();
  return {
    close: async () => {
      await events?.close();
      await polled;
    },
  };
}

/** Loaded only by a watch: it is a library of machine code, which may be missing for this machine. */
async function loadWatcher(): Promise<Watcher> {
  return (await import('@parcel/watcher')).default;
}

async function unwatched({ tree, gitDir, stateDir, env, rules, signal }: SourcesOptions): Promise<string[]> {
  const ignored = await ignoredDirectories(tree, { env, rules: await rules?.().catch(none), signal });
  const ofGit = gitDir === undefined ? [] : ['objects', 'logs', 'lfs'].map((name) => path.join(gitDir, name));
  return [...ofGit, stateDir, ...ignored.sort((a, b) => a.length - b.length).slice(0, mostIgnored)];
}

/** A settings file that is wrong: the landing says so. */
const none = (): undefined => undefined;

/** File systems on which others write without this machine being told: the `f_type` of statfs(2). */
const networks = new Map([
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb'],
  [0x517b, 'smb'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
]);

async function networkFileSystem(directory: string): Promise<string | undefined> {
  const type = await statfs(directory).then(
    (stats) => stats.type,
    () => -1,
  );
  return networks.get(type >>> 0);
}

/** The watcher's own words hold the path of whatever it failed on, and the system's reason. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (/No space left on device|Too many open files/.test(said))
    return 'the limit on watched directories or watchers is reached';
  return said.split('\n')[0] ?? said;
}
