import { lstat, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { readingOnly, type Environment } from './environment.js';
import { splitNul, toBytes, type BytePath } from './path-bytes.js';
import { failure, runGit, type GitOutput } from './run.js';

/** What the working tree consists of, by git's own account. Paths are relative to the root. */
export interface Listing {
  /** Tracked, or untracked and not ignored. A tracked path need not exist on the disk. */
  readonly paths: ReadonlySet<BytePath>;
  /** Index entries that a sparse checkout keeps off the disk: mode and object id stand for the bytes. */
  readonly sparse: ReadonlyMap<BytePath, { readonly mode: string; readonly id: string }>;
  /** Nested repositories and submodules whose files are in `paths`. */
  readonly nested: readonly BytePath[];
  /** Submodules that are not checked out here: nothing of them travels, and nothing of them is removed there. */
  readonly absentSubmodules: readonly BytePath[];
  /** Directories that could not be read. */
  readonly unreadable: readonly string[];
}

/**
 * Asks the user's git what the working tree is: `ls-files -co --exclude-standard`, with every ignore source that git
 * knows, also where a path is tracked and ignored. Each nested repository is asked about its own files, which travel as
 * ordinary ones.
 *
 * `shadow` lists a directory that is no repository, or a nested one that its git cannot open.
 */
export async function listWorkingTree(options: {
  readonly root: string;
  readonly isRepository: boolean;
  readonly env: Environment;
  readonly shadowEnv: (workTree: string) => Record<string, string>;
  /** A private directory, for a link to a nested repository whose path is no text. */
  readonly linkDirectory: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<Listing> {
  const paths = new Set<BytePath>();
  const sparse = new Map<BytePath, { mode: string; id: string }>();
  const nested: BytePath[] = [];
  const absentSubmodules: BytePath[] = [];
  const unreadable: string[] = [];

  const visit = async (prefix: BytePath, isRepository: boolean): Promise<void> => {
    const output = await listOne(prefix, isRepository);
    for (const line of output.stderr.matchAll(/could not open directory '(.*)'/g)) unreadable.push(line[1] ?? '');
    const inner: BytePath[] = [];
    for (const record of splitNul(output.stdout)) {
      const entry = parseEntry(record);
      const full = prefix + entry.path;
      if (entry.mode === '160000') inner.push(full + '/');
      else if (full.endsWith('/')) inner.push(full);
      else if (entry.tag === 'S') sparse.set(full, { mode: entry.mode, id: entry.id });
      else paths.add(full);
    }
    for (const directory of inner) {
      if (await exists(options.root, directory + '.git')) {
        nested.push(directory);
        await visit(directory, true);
      } else {
        absentSubmodules.push(directory);
      }
    }
  };

  const listOne = async (prefix: BytePath, isRepository: boolean): Promise<GitOutput> => {
    const cwd = await reach(options.root, prefix, options.linkDirectory);
    const args = ['ls-files', '-z', '-t', '-s', '-c', '-o', '--exclude-standard'];
    if (isRepository) {
      const env = readingOnly(options.env);
      // A `.git` that is none must not have git find the repository around it.
      if (prefix !== '') env['GIT_CEILING_DIRECTORIES'] = path.dirname(cwd);
      const place = { cwd, env, signal: options.signal };
      const output = await runGit(place, args, { accept: [0, 128] });
      if (output.code === 0) return output;
      if (prefix === '' || !/not a git repository|invalid gitfile/i.test(output.stderr)) {
        throw failure(args, output.code, output.stderr);
      }
    }
    // An index that does not exist: everything is untracked, and the ignore files apply.
    const env = {
      ...options.shadowEnv(cwd),
      GIT_INDEX_FILE: path.join(options.shadowEnv(cwd)['GIT_DIR'] ?? '', 'no-index'),
    };
    return runGit({ cwd, env, signal: options.signal }, ['ls-files', '-z', '-t', '-o', '--exclude-standard']);
  };

  await visit('', options.isRepository);
  for (const [entry] of sparse) {
    if (await exists(options.root, entry)) {
      sparse.delete(entry);
      paths.add(entry);
    }
  }
  return { paths, sparse, nested, absentSubmodules, unreadable };
}

/** `H 100644 <id> 0\tpath`, or `? path` for an untracked one. */
function parseEntry(record: string): { tag: string; mode: string; id: string; path: BytePath } {
  if (record.startsWith('? ')) return { tag: '?', mode: '', id: '', path: record.slice(2) };
  const tab = record.indexOf('\t');
  const [tag = '', mode = '', id = ''] = record.slice(0, tab).split(' ');
  if (tab < 0 || id === '') throw new SidecarError('git.failed', { command: 'ls-files', reason: 'unexpected output' });
  return { tag, mode, id, path: record.slice(tab + 1) };
}

/** A directory as a string that a process can start in: by a link where its name is not UTF-8. */
async function reach(root: string, directory: BytePath, linkDirectory: string): Promise<string> {
  const text = toBytes(directory).toString('utf8');
  if (toBytes(directory).equals(Buffer.from(text, 'utf8'))) return path.join(root, text);
  const link = path.join(linkDirectory, 'nested');
  await rm(link, { force: true });
  await symlink(Buffer.concat([Buffer.from(root + '/'), toBytes(directory)]), link);
  return link;
}

/** Whether a path is on the disk, without following a link in its last part. */
async function exists(root: string, relative: BytePath): Promise<boolean> {
  try {
    await lstat(Buffer.concat([Buffer.from(root + '/'), toBytes(relative)]));
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
