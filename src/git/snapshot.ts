import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit, SkipReason } from '../events.js';
import { lookBeside, type Beside } from './beside.js';
import type { EditedTree } from './edited-tree.js';
import { shadowEnvironment, type Environment } from './environment.js';
import { readIgnoreFiles, type IgnoreSource } from './ignore-files.js';
import { joinIgnoreFiles, rulesAbove } from './ignore-rules.js';
import { listWorkingTree, type Listing } from './listing.js';
import { groundsOf } from './listing-grounds.js';
import { toBytes, toText, type BytePath } from './path-bytes.js';
import { runGit } from './run.js';
import { SendRules } from './send-rules.js';
import type { Shadow } from './shadow.js';
import type { SnapshotMemory } from './snapshot-memory.js';
import { notIgnored } from './special-files.js';
import { diskTime } from './tick.js';
import { updateIndex } from './update-index.js';
import { globalExcludes, type WorkingTree } from './working-tree.js';

/** The working tree as git objects in the shadow repository. */
export interface Snapshot {
  /** The id of a tree of raw bytes, modes and links. */
  readonly tree: string;
  /** The id of a blob: every rule in force about what is sent, as one list. Null when there are none. */
  readonly rules: string | null;
  readonly skipped: readonly { readonly path: string; readonly reason: SkipReason }[];
}

/** A snapshot that is known, and may still be on its way into the shadow. */
export interface Taken {
  readonly snapshot: Snapshot;
  /** How its tree came from the one of the snapshot before, where its objects need not be in the shadow yet. */
  readonly edited?: EditedTree | undefined;
  /**
   * Settles once the objects are in the shadow and its index agrees. Rejects with `Disagreement` where it does not, and
   * with what keeps them from being stored. The shadow's lock has to be held for so long.
   */
  readonly stored: Promise<void>;
}

export interface SnapshotOptions {
  readonly env: Environment;
  readonly emit: Emit;
  readonly clock: Clock;
  /** What the settings say of what is sent. */
  readonly rules?: SendRules | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Read everything, whatever an earlier snapshot knows. */
  readonly fresh?: boolean;
  /** Tell a snapshot of a few edits while it is still being stored. */
  readonly forecast?: boolean;
  /** Of earlier snapshots of this working tree. */
  readonly memory?: SnapshotMemory | undefined;
}

/** How often the working tree is read before an error, or a file that moves about, is taken as it is. */
const maxTries = 3;

/**
 * Takes a snapshot of the working tree. The caller holds the shadow's lock.
 *
 * Only what changed since the last snapshot is read. Every file of it stood whole on the disk, also while others write
 * there. An index that is damaged, or that names objects which the user's own git has pruned, is built again.
 *
 * Throws `sync.unreadable` {path, file, reason} for a file that cannot be read, and `sync.changing` {paths} for files that are
 * written to all the time.
 */
export async function takeSnapshot(tree: WorkingTree, shadow: Shadow, options: SnapshotOptions): Promise<Taken> {
  const { memory, emit } = options;
  if (options.fresh === true) memory?.forget();
  const taken = (await memory?.recall(tree, shadow, options)) ?? {
    snapshot: await takeWhole(tree, shadow, options),
    stored: Promise.resolve(),
  };
  for (const one of taken.snapshot.skipped)
    emit({ kind: 'snapshot.skipped', ...one, file: path.join(tree.root, one.path) });
  return taken;
}

/** Asks git for the whole listing. */
async function takeWhole(tree: WorkingTree, shadow: Shadow, options: SnapshotOptions): Promise<Snapshot> {
  const { memory, env, rules: sendRules } = options;
  let fresh = options.fresh === true;
  const repositories = new Set<BytePath>();
  for (let tries = 1; ; tries += 1) {
    // Under our lock, one that is there is a dead process's.
    await rm(path.join(shadow.gitDir, 'index.lock'), { force: true });
    if (fresh) await rm(path.join(shadow.gitDir, 'index'), { force: true });
    try {
      const since = memory === undefined ? undefined : await diskTime(shadow.gitDir);
      const [listing, excludesFile] = await Promise.all([
        list(tree, shadow, repositories, options),
        globalExcludes(tree, options.env),
      ]);
      const skipped: Skipped[] = listing.unreadable.map((one) => ({ path: one, reason: 'unreadable-directory' }));
      const beside = lookBeside(tree, listing);
      const found = { listing, beside, excludesFile };
      const [update, rules, specials, grounds] = await Promise.all([
        updateIndex(tree, shadow, { ...options, listing }),
        storeRules(tree, shadow, { ...found, rules: sendRules }),
        notIgnored(tree, beside.specials, options),
        since === undefined
          ? undefined
          : groundsOf(tree, { ...found, ...{ env, rules: sendRules, since, before: memory?.before } }),
      ]);
      const known = repositories.size;
      for (const one of update.repositories) repositories.add(one);
      if (repositories.size > known) {
        tries -= 1;
        continue;
      }
      // What went may have moved to where the listing had been already.
      const again = update.removed && tries < maxTries;
      if (again && !isSame(listing, await list(tree, shadow, repositories, options))) continue;
      skipped.push(...update.skipped, ...specials.map(({ path, reason }) => ({ path: toText(path), reason })));
      const snapshot = { tree: update.tree, rules, skipped };
      const { unindexed } = update;
      const apart = [...listing.nested, ...listing.absentSubmodules];
      const sparse = listing.sparse.keys();
      await memory?.keep(tree, shadow, { env, rules: sendRules, snapshot, grounds, unindexed, sparse, apart });
      return snapshot;
    } catch (error) {
      options.signal?.throwIfAborted();
      const failed = error instanceof SidecarError && error.code === 'git.failed';
      if (!failed || tries === maxTries) throw error;
      // A file that shrank or became a directory may have been the cause: the index is the next suspect.
      fresh = tries > 1;
    }
  }
}

type Skipped = Snapshot['skipped'][number];

function list(
  tree: WorkingTree,
  shadow: Shadow,
  repositories: Iterable<BytePath>,
  { env, rules, signal }: SnapshotOptions,
): Promise<Listing> {
  return listWorkingTree({
    root: tree.root,
    isRepository: tree.repository !== undefined,
    env,
    shadowEnv: (workTree) => shadowEnvironment(env, shadow.gitDir, workTree),
    linkDirectory: shadow.gitDir,
    repositories,
    rules,
    signal,
  });
}

function isSame(one: Listing, other: Listing): boolean {
  return one.paths.size === other.paths.size && [...one.paths].every((path) => other.paths.has(path));
}

/**
 * All rules in force as one blob: those of the settings, and then git's, lowest precedence first: the user's, each
 * repository's own, each directory's.
 */
async function storeRules(
  tree: WorkingTree,
  shadow: Shadow,
  found: {
    readonly listing: Listing;
    readonly beside: Beside;
    readonly excludesFile: string | undefined;
    readonly rules?: SendRules | undefined;
  },
): Promise<string | null> {
  const { listing, beside, excludesFile, rules = SendRules.none } = found;
  const sources: IgnoreSource[] = [];
  const add = (directory: BytePath, file: string | Buffer, followLink = true): void => {
    sources.push({ directory, file, followLink });
  };
  if (excludesFile !== undefined) add('', excludesFile);
  if (tree.repository !== undefined) add('', tree.repository.infoExclude);
  for (const directory of listing.nested) add(directory, inTree(tree, directory + '.git/info/exclude'));
  for (const name of beside.ignoreFiles) add(name.slice(0, -'.gitignore'.length), inTree(tree, name), false);

  const joined = joinIgnoreFiles(await readIgnoreFiles(sources), listing.absentSubmodules);
  const above = rulesAbove(rules.patterns('', listing.opened));
  if (above.length + joined.length === 0) return null;
  const stored = await runGit(shadow.place, ['hash-object', '-w', '--no-filters', '--stdin'], {
    stdin: Buffer.concat([above, joined]),
  });
  return stored.stdout.toString('latin1').trim();
}

const inTree = (tree: WorkingTree, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(tree.root + '/'), toBytes(path)]);
