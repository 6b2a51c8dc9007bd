import { lstatSync, type Stats } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import type { Emit, SkipReason } from '../events.js';
import { shadowEnvironment, type Environment } from './environment.js';
import { joinIgnoreFiles, type IgnoreFile } from './ignore-rules.js';
import { listWorkingTree, type Listing } from './listing.js';
import { joinNul, splitNul, toBytes, toText, type BytePath } from './path-bytes.js';
import { runGit } from './run.js';
import type { Shadow } from './shadow.js';
import { findSpecialFiles } from './special-files.js';
import { globalExcludes, type WorkingTree } from './working-tree.js';

/** The working tree as git objects in the shadow repository. */
export interface Snapshot {
  /** The id of a tree of raw bytes, modes and links. */
  readonly tree: string;
  /** The id of a blob: every ignore rule in force, as one list. Null when there are none. */
  readonly rules: string | null;
  readonly skipped: readonly { readonly path: string; readonly reason: SkipReason }[];
}

/**
 * Takes a snapshot of the working tree. The caller holds the shadow's lock.
 *
 * Only what changed since the last snapshot is read. An index that is damaged, or that names objects which the user's
 * own git has pruned, is built again from the disk.
 *
 * Throws `sync.unreadable` {path, reason} for a file that cannot be read.
 */
export async function takeSnapshot(
  tree: WorkingTree,
  shadow: Shadow,
  options: {
    readonly env: Environment;
    readonly emit: Emit;
    readonly signal?: AbortSignal | undefined;
    readonly fresh?: boolean;
  },
): Promise<Snapshot> {
  await rm(path.join(shadow.gitDir, 'index.lock'), { force: true }); // under our lock, one that is there is a dead process's
  if (options.fresh === true) await rm(path.join(shadow.gitDir, 'index'), { force: true });
  const [listing, excludesFile] = await Promise.all([
    listWorkingTree({
      root: tree.root,
      isRepository: tree.repository !== undefined,
      env: options.env,
      shadowEnv: (workTree) => shadowEnvironment(options.env, shadow.gitDir, workTree),
      linkDirectory: shadow.gitDir,
      signal: options.signal,
    }),
    globalExcludes(tree, options.env),
  ]);

  const skipped: { path: string; reason: SkipReason }[] = [];
  const skip = (path: string, reason: SkipReason): void => {
    skipped.push({ path, reason });
    options.emit({ kind: 'snapshot.skipped', path, reason });
  };
  for (const directory of listing.unreadable) skip(directory, 'unreadable-directory');
  const update = (): Promise<string> => updateIndex(tree, shadow, listing, skip);
  const [id, rules, specials] = await Promise.all([
    update().catch(async (error: unknown) => {
      options.signal?.throwIfAborted();
      if (options.fresh === true || !(error instanceof SidecarError) || error.code !== 'git.failed') throw error;
      await rm(path.join(shadow.gitDir, 'index'), { force: true });
      return update();
    }),
    storeRules(tree, shadow, listing, excludesFile),
    findSpecialFiles(tree, listing, options),
  ]);
  for (const special of specials) skip(toText(special.path), special.reason);
  return { tree: id, rules, skipped };
}

/** Brings the shadow's index from what it was to what the disk is, and writes it as a tree. */
async function updateIndex(
  tree: WorkingTree,
  shadow: Shadow,
  listing: Listing,
  skip: (path: string, reason: SkipReason) => void,
): Promise<string> {
  const [indexed, changed] = await Promise.all([indexEntries(shadow), changedPaths(shadow)]);
  const removals: string[] = [];
  const sparse: string[] = [];
  const candidates: BytePath[] = [];

  const zero = '0'.repeat(tree.format === 'sha1' ? 40 : 64);
  const remove = (path: BytePath): void => void removals.push(`0 ${zero}\t${path}`);
  for (const path of indexed.keys()) {
    if (!listing.paths.has(path) && !listing.sparse.has(path)) remove(path);
  }
  for (const [path, entry] of listing.sparse) {
    if (indexed.get(path) !== `${entry.mode} ${entry.id}`) sparse.push(`${entry.mode} ${entry.id}\t${path}`);
  }
  for (const path of listing.paths) {
    if (!indexed.has(path) || changed.has(path)) candidates.push(path);
  }

  const disk = new Disk(tree.root);
  const additions: BytePath[] = [];
  for (const path of candidates) {
    const kind = disk.kindOf(path);
    if (kind === 'file') additions.push(path);
    else {
      if (indexed.has(path)) remove(path);
      if (kind !== 'absent') skip(toText(path), kind);
    }
  }

  const lines = [...removals, ...sparse];
  if (lines.length > 0) {
    await runGit(shadow.place, ['update-index', '-z', '--replace', '--index-info'], { stdin: joinNul(lines) });
  }
  if (additions.length > 0) {
    const args = ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'];
    await runGit(shadow.place, args, { stdin: joinNul(additions) }).catch((error: unknown) => {
      throw unreadable(error) ?? error;
    });
  }
  const written = await runGit(shadow.place, ['write-tree', ...(listing.sparse.size > 0 ? ['--missing-ok'] : [])]);
  return written.stdout.toString('latin1').trim();
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

/** Paths whose file is no longer what the index says. */
async function changedPaths(shadow: Shadow): Promise<Set<BytePath>> {
  const output = await runGit(shadow.place, ['diff-files', '-z', '--name-only', '--no-renames'], { accept: [0, 128] });
  return new Set(splitNul(output.stdout));
}

/** Looks at files without following links: not in the last part of a path, and not on the way to it. */
class Disk {
  readonly #root: string;
  readonly #directories = new Map<BytePath, boolean>([['', true]]);

  constructor(root: string) {
    this.#root = root + '/';
  }

  kindOf(path: BytePath): 'file' | 'absent' | SkipReason {
    if (path.split('/').some((part) => part.toLowerCase() === '.git')) return 'git-directory';
    if (!this.#isDirectory(parent(path))) return 'absent';
    const stats = this.#lstat(path);
    if (stats === undefined || stats.isDirectory()) return 'absent';
    // git refuses a link of this name, for it would follow it.
    if (stats.isSymbolicLink() && path.split('/').at(-1)?.toLowerCase() === '.gitmodules') return 'gitmodules-link';
    if (stats.isFile() || stats.isSymbolicLink()) return 'file';
    return specialKind(stats);
  }

  #isDirectory(directory: BytePath): boolean {
    let known = this.#directories.get(directory);
    if (known === undefined) {
      known = this.#isDirectory(parent(directory)) && this.#lstat(directory)?.isDirectory() === true;
      this.#directories.set(directory, known);
    }
    return known;
  }

  #lstat(path: BytePath): Stats | undefined {
    try {
      return lstatSync(Buffer.concat([Buffer.from(this.#root), toBytes(path)]));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new SidecarError('sync.unreadable', { path: toText(path), reason: message }, { cause: error });
    }
  }
}

const parent = (path: BytePath): BytePath => path.slice(0, Math.max(0, path.lastIndexOf('/')));

function specialKind(stats: Pick<Stats, 'isFIFO' | 'isSocket'>): SkipReason {
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

/** git names the file that it could not open: `error: open("x"): Permission denied`. */
function unreadable(error: unknown): SidecarError | undefined {
  if (!(error instanceof SidecarError) || error.code !== 'git.failed') return undefined;
  const match = /(?:open|readlink|short read)[ (]*"(.*)"\)?: ([^;]*)/.exec(String(error.facts['reason']));
  if (match === null) return undefined;
  return new SidecarError('sync.unreadable', { path: match[1] ?? '', reason: match[2] ?? '' }, { cause: error });
}

/** All ignore rules in force as one blob, lowest precedence first: the user's, each repository's own, each directory's. */
async function storeRules(
  tree: WorkingTree,
  shadow: Shadow,
  listing: Listing,
  excludesFile: string | undefined,
): Promise<string | null> {
  const files: IgnoreFile[] = [];
  const add = async (directory: BytePath, file: string | Buffer): Promise<void> => {
    const content = await readFile(file).catch(() => undefined);
    if (content !== undefined) files.push({ directory, content });
  };
  if (excludesFile !== undefined) await add('', excludesFile);
  if (tree.repository !== undefined) await add('', tree.repository.infoExclude);
  for (const directory of listing.nested) await add(directory, inTree(tree, directory + '.git/info/exclude'));
  const names = [...listing.paths].filter((path) => path === '.gitignore' || path.endsWith('/.gitignore'));
  names.sort((a, b) => a.split('/').length - b.split('/').length);
  for (const name of names) await add(name.slice(0, -'.gitignore'.length), inTree(tree, name));

  const joined = joinIgnoreFiles(files, listing.absentSubmodules);
  if (joined.length === 0) return null;
  const stored = await runGit(shadow.place, ['hash-object', '-w', '--no-filters', '--stdin'], { stdin: joined });
  return stored.stdout.toString('latin1').trim();
}

const inTree = (tree: WorkingTree, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(tree.root + '/'), toBytes(path)]);
