import { access, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.js';
import type { SkipReason } from '../events.js';
import { changedPaths } from './changed-paths.js';
import { Disk, type Stamp, type Unindexed } from './disk.js';
import type { Listing } from './listing.js';
import { joinNul, splitNul, toText, type BytePath } from './path-bytes.js';
import { readSettled } from './read-settled.js';
import { runGit } from './run.js';
import type { Shadow } from './shadow.js';
import type { WorkingTree } from './working-tree.js';

export interface IndexUpdate {
  /** The id of the tree that the index now holds. */
  readonly tree: string;
  /** Paths, as text, that cannot be part of it. */
  readonly skipped: readonly { readonly path: string; readonly reason: SkipReason }[];
  /** Paths of the listing where a repository stands. */
  readonly repositories: readonly BytePath[];
  /** Whether a path that was there at the last snapshot, or in the listing, is gone. */
  readonly removed: boolean;
  /** Paths of the listing that the index does not hold, and why. Undefined where that is not known for sure. */
  readonly unindexed: ReadonlyMap<BytePath, Unindexed> | undefined;
}

/**
 * Brings the shadow's index from what it was to what the disk is, and writes it as a tree.
 *
 * Throws what `readSettled` throws.
 */
export async function updateIndex(
  tree: WorkingTree,
  shadow: Shadow,
  options: { readonly listing: Listing; readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<IndexUpdate> {
  const { listing } = options;
  const [indexed, changed] = (await hasIndex(shadow))
    ? await Promise.all([indexEntries(shadow), changedPaths(shadow)])
    : [new Map<BytePath, string>(), new Set<BytePath>()];
  const zero = '0'.repeat(tree.format === 'sha1' ? 40 : 64);
  const lines: string[] = [];
  const remove = (path: BytePath): void => void lines.push(`0 ${zero}\t${path}`);
  for (const path of indexed.keys()) {
    if (!listing.paths.has(path) && !listing.sparse.has(path)) remove(path);
  }

  const disk = new Disk(tree.root);
  const additions = new Map<BytePath, Stamp>();
  const repositories: BytePath[] = [];
  const unindexed = new Map<BytePath, Unindexed>();
  const skipped: { path: string; reason: SkipReason }[] = [];
  for (const path of listing.paths) {
    if (indexed.has(path) && changed?.has(path) === false) continue;
    const seen = disk.see(path);
    if (seen.kind === 'file') {
      additions.set(path, seen.stamp);
      continue;
    }
    const { kind } = seen;
    unindexed.set(path, kind);
    if (indexed.has(path)) remove(path);
    if (kind === 'repository') repositories.push(path);
    else if (kind !== 'absent') skipped.push({ path: toText(path), reason: kind });
  }
  const removed = lines.length > 0;
  for (const [path, entry] of listing.sparse) {
    if (indexed.get(path) !== `${entry.mode} ${entry.id}`) lines.push(`${entry.mode} ${entry.id}\t${path}`);
  }

  if (lines.length > 0) {
    await runGit(shadow.place, ['update-index', '-z', '--replace', '--index-info'], { stdin: joinNul(lines) });
  }
  const vanished = await readSettled(shadow, tree.root, additions, options);
  return {
    tree: await writeTree(shadow, listing.sparse.size > 0),
    skipped,
    repositories,
    removed: removed || vanished,
    unindexed: changed === undefined || vanished ? undefined : unindexed,
  };
}

/** The shadow's index as a tree. Of what a sparse checkout keeps off the disk, the objects may be missing. */
export async function writeTree(shadow: Shadow, sparse: boolean): Promise<string> {
  const written = await runGit(shadow.place, ['write-tree', ...(sparse ? ['--missing-ok'] : [])]);
  return written.stdout.toString('latin1').trim();
}

async function hasIndex(shadow: Shadow): Promise<boolean> {
  return access(path.join(shadow.gitDir, 'index')).then(
    () => true,
    () => false,
  );
}

/** Every path in the shadow's index, with `<mode> <id>`. A damaged index is an empty one, to be built again. */
async function indexEntries(shadow: Shadow): Promise<Map<BytePath, string>> {
  const output = await runGit(shadow.place, ['ls-files', '-z', '-s'], { accept: [0, 128] });
  if (output.code !== 0) await rm(path.join(shadow.gitDir, 'index'), { force: true });
  const entries = new Map<BytePath, string>();
  for (const record of splitNul(output.stdout)) {
    const tab = record.indexOf('\t');
    entries.set(record.slice(tab + 1), record.slice(0, tab - 2));
  }
  return entries;
}
