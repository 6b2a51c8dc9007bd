import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { changedPaths } from './changed-paths.js';
import { Disk, stampFrom, type Stamp, type Unindexed } from './disk.js';
import { editedTree, largestEdited, type EditedTree } from './edited-tree.js';
import { SidecarError } from '../errors.js';
import type { Environment } from './environment.js';
import type { Grounds } from './grounds.js';
import { travelling } from './name-changes.js';
import { apart, joinNul, type BytePath } from './path-bytes.js';
import { readSettled } from './read-settled.js';
import { ObjectReader } from './object-reader.js';
import { storeObject } from './commit.js';
import { runGit } from './run.js';
import { SendRules } from './send-rules.js';
import type { Shadow } from './shadow.js';
import type { Snapshot, SnapshotOptions, Taken } from './snapshot.js';
import { diskTime, type DiskTime } from './tick.js';
import { writeTree } from './update-index.js';
import type { WorkingTree } from './working-tree.js';

/** What the last snapshot of a working tree leaves for the next one. */
interface Known {
  /** Which working tree, repository, shadow, user and rules of settings it is about. */
  readonly of: string;
  /** What the listing was read from. The listing itself is in the shadow's index, but for the next two. */
  readonly grounds: Grounds;
  readonly unindexed: ReadonlyMap<BytePath, Unindexed>;
  /** Index entries that a sparse checkout keeps off the disk. */
  readonly sparse: ReadonlySet<BytePath>;
  /** Nested repositories and submodules. */
  readonly apart: readonly BytePath[];
  /** The shadow's index, as the snapshot left it. */
  readonly index: string;
  readonly snapshot: Snapshot;
}

/**
 * Makes the next snapshot of the same working tree quick, for as long as a process lives: while nothing has changed of what
 * the last listing was read from, git is not asked for another. It decides nothing about contents: git compares every file
 * with the shadow's index each time.
 *
 * One for each working tree. It may be given to one snapshot at a time; the shadow's lock sees to that.
 */
export class SnapshotMemory {
  #known: Known | undefined;
  #before: Grounds | undefined;

  /** The grounds of the last listing, as `recall` found them; undefined when there are none. */
  get before(): Grounds | undefined {
    return this.#before;
  }

  forget(): void {
    this.#known = undefined;
    this.#before = undefined;
  }

  /** Has the next snapshot build on this one. `unindexed` and `grounds` are undefined where it cannot. */
  async keep(
    tree: WorkingTree,
    shadow: Shadow,
    found: {
      readonly env: Environment;
      readonly rules?: SendRules | undefined;
      readonly snapshot: Snapshot;
      readonly grounds: Grounds | undefined;
      readonly sparse: Iterable<BytePath>;
      readonly apart: readonly BytePath[];
      readonly unindexed: ReadonlyMap<BytePath, Unindexed> | undefined;
    },
  ): Promise<void> {
    this.forget();
    const { grounds, unindexed, snapshot } = found;
    const index = await indexStamp(shadow);
    if (grounds === undefined || unindexed === undefined || index === undefined) return;
    const of = subject(tree, shadow, found);
    const known = { of, grounds, index, snapshot, apart: found.apart.map(apart) };
    const absent = [...unindexed].map(([path, kind]) => [apart(path), kind] as const);
    this.#known = { ...known, unindexed: new Map(absent), sparse: new Set([...found.sparse].map(apart)) };
  }

  /**
   * The snapshot of a working tree in which, since the last one, nothing has changed but contents; undefined when more
   * may have changed, or git failed. Throws what `readSettled` throws.
   */
  async recall(tree: WorkingTree, shadow: Shadow, options: SnapshotOptions): Promise<Taken | undefined> {
    const objects = new ObjectReader(shadow.place, largestEdited);
    try {
      return await this.#recall(tree, shadow, { ...options, objects });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof SidecarError && error.code === 'git.failed') return undefined;
      throw error;
    } finally {
      objects.close();
    }
  }

  async #recall(
    tree: WorkingTree,
    shadow: Shadow,
    options: SnapshotOptions & { readonly objects: ObjectReader },
  ): Promise<Taken | undefined> {
    const known = this.#known;
    this.forget();
    if (known?.of !== subject(tree, shadow, options)) return undefined;
    const [index, now] = await Promise.all([indexStamp(shadow), diskTime(shadow.gitDir)]);
    if (index !== known.index) return undefined;
    // It takes a while, during which the directories are looked at.
    const comparing = changedPaths(shadow);
    comparing.catch(() => undefined);
    if (options.forecast === true) options.objects.start();
    this.#before = known.grounds;
    const names = known.grounds.changes(now);
    const changed = await comparing;
    if (names === undefined || changed === undefined) return undefined;
    const disk = new Disk(tree.root);
    for (const [path, kind] of known.unindexed) if (disk.kindOf(path) !== kind) return undefined;
    const asked = { ...options, apart: known.apart, keptOff: known.sparse, absent: known.unindexed };
    const appeared = await travelling(tree, names, asked);
    if (appeared === undefined) return undefined;

    const touched = new Set([...appeared, ...changed].filter((path) => !known.sparse.has(path)));
    const gone = names.gone.filter((path) => touched.delete(path));
    const edited = new Map<BytePath, Stamp>();
    for (const path of touched) {
      const seen = disk.see(path);
      if (seen.kind !== 'file') return undefined;
      edited.set(path, seen.stamp);
    }
    if (!gone.every((path) => disk.kindOf(path) === 'absent')) return undefined;
    if (edited.size + gone.length === 0) {
      this.#known = known;
      return { snapshot: known.snapshot, stored: Promise.resolve() };
    }
    const change = { tree, shadow, known, edited, gone };
    const forecast = options.forecast === true ? await forecastOf(change, { ...options, now }) : undefined;
    if (forecast === undefined) {
      const snapshot = await this.#store(change, options);
      return snapshot === undefined ? undefined : { snapshot, stored: Promise.resolve() };
    }
    const stored = this.#storeAs(forecast, change, options);
    stored.catch(() => undefined); // whoever took the snapshot sees it too
    return { snapshot: { ...known.snapshot, tree: forecast.tree }, edited: forecast, stored };
  }

  /** Has git read what changed into the shadow's index, and write its trees; undefined when more has changed than that. */
  async #store(
    { tree, shadow, known, edited, gone }: Changed,
    options: SnapshotOptions,
  ): Promise<Snapshot | undefined> {
    await forgetPaths(shadow, gone);
    if (await readSettled(shadow, tree.root, edited, options)) return undefined;
    // What went may have moved to where nobody looked any more.
    const later = gone.length > 0 ? known.grounds.changes(await diskTime(shadow.gitDir)) : { appeared: [], gone: [] };
    if (later === undefined || later.appeared.length + later.gone.length > 0) return undefined;
    const snapshot = { ...known.snapshot, tree: await writeTree(shadow, known.sparse.size > 0) };
    const unindexed = new Map([...known.unindexed, ...gone.map((path) => [path, 'absent'] as const)]);
    const { env, rules } = options;
    await this.keep(tree, shadow, { ...known, env, rules, snapshot, unindexed });
    return snapshot;
  }

  /** Does so for a snapshot that is in use already: files may have changed again since. */
  async #storeAs(forecast: EditedTree, change: Changed, options: SnapshotOptions): Promise<void> {
    const { tree, shadow, edited } = change;
    const snapshot = await this.#store(change, options).catch(() => undefined);
    if (snapshot?.tree === forecast.tree) return;
    options.signal?.throwIfAborted();
    for (const object of forecast.objects) await storeObject(shadow, object);
    const disk = new Disk(tree.root);
    const stands = [...edited].every(([path, { id }]) => disk.stampOf(path)?.id === id);
    if (!stands) return;
    this.forget();
    throw new Disagreement(`${forecast.tree} was forecast, and ${snapshot?.tree ?? 'nothing'} came of it`);
  }
}

/** What git read of files is not what we read of them, though they have not changed. */
export class Disagreement extends Error {}

/** Contents that changed since the last snapshot, and files that went. */
interface Changed {
  readonly tree: WorkingTree;
  readonly shadow: Shadow;
  readonly known: Known;
  readonly edited: ReadonlyMap<BytePath, Stamp>;
  readonly gone: readonly BytePath[];
}

async function forecastOf(
  { tree, known, edited, gone }: Changed,
  { objects, now }: { readonly objects: ObjectReader; readonly now: DiskTime },
): Promise<EditedTree | undefined> {
  if (gone.length > 0) return undefined;
  const { root, format } = tree;
  return editedTree(known.snapshot.tree, edited, { root, format, objects, now });
}

async function forgetPaths(shadow: Shadow, paths: readonly BytePath[]): Promise<void> {
  if (paths.length === 0) return;
  await runGit(shadow.place, ['update-index', '-z', '--force-remove', '--stdin'], { stdin: joinNul(paths) });
}

async function indexStamp(shadow: Shadow): Promise<string | undefined> {
  const stats = await lstat(path.join(shadow.gitDir, 'index'), { bigint: true }).catch(() => undefined);
  return stats === undefined ? undefined : stampFrom(stats).id;
}

/** Of the environment, what has git find its settings, and git itself. */
function subject(
  tree: WorkingTree,
  shadow: Shadow,
  { env, rules = SendRules.none }: Pick<SnapshotOptions, 'env' | 'rules'>,
): string {
  const { HOME, XDG_CONFIG_HOME, PATH } = env;
  const { repository } = tree;
  const of = [
    repository?.objects,
    repository?.infoExclude,
    tree.format,
    shadow.origin,
    HOME,
    XDG_CONFIG_HOME,
    PATH,
    rules.id,
  ];
  return [tree.root, shadow.gitDir, ...of.map((one) => one ?? '')].join('\0');
}
