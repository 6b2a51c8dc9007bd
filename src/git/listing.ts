import type { Stats } from 'node:fs';
import { lstat, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { leadsNowhere } from './disk.js';
import { readingOnly, type Environment } from './environment.js';
import { joinNul, splitNul, toBytes, type BytePath } from './path-bytes.js';
import { failure, runGit, type GitOutput, type GitPlace } from './run.js';
import { SendRules } from './send-rules.js';
import { unreadable } from './unreadable.js';

/** What the working tree consists of, by git's own account. Paths are relative to the root. */
export interface Listing {
  /** Tracked, or untracked and not ignored, if no rule of the settings says otherwise. A tracked path need not exist on the disk. */
  readonly paths: ReadonlySet<BytePath>;
  /** Index entries that a sparse checkout keeps off the disk: mode and object id stand for the bytes. */
  readonly sparse: ReadonlyMap<BytePath, { readonly mode: string; readonly id: string }>;
  /** Nested repositories and submodules whose files are in `paths`. */
  readonly nested: readonly BytePath[];
  /** Submodules that are not checked out here: nothing of them travels, and nothing of them is removed there. */
  readonly absentSubmodules: readonly BytePath[];
  /** Directories that git ignores, and that were looked into for what the settings include. */
  readonly opened: readonly BytePath[];
  /** Directories that could not be read. */
  readonly unreadable: readonly string[];
  /**
   * How git is asked about each repository: the working tree itself (an empty path), and each of `nested`. Undefined for
   * one that git cannot open, or whose path is no text.
   */
  readonly repositories: ReadonlyMap<BytePath, GitPlace | undefined>;
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
  /** Repositories that stand where an index still has a file: git lists nothing of them. */
  readonly repositories?: Iterable<BytePath>;
  readonly rules?: SendRules | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<Listing> {
  const paths = new Set<BytePath>();
  const sparse = new Map<BytePath, { mode: string; id: string }>();
  const nested: BytePath[] = [];
  const absentSubmodules: BytePath[] = [];
  const opened: BytePath[] = [];
  const { rules = SendRules.none } = options;
  const unreadable: string[] = [];
  const repositories = new Map<BytePath, GitPlace | undefined>();

  const visit = async (prefix: BytePath, isRepository: boolean): Promise<void> => {
    const { place, output } = await listOne(prefix, isRepository);
    repositories.set(prefix, place);
    for (const line of output.stderr.matchAll(/could not open directory '(.*)'/g)) unreadable.push(line[1] ?? '');
    const inner: BytePath[] = prefix === '' ? [...(options.repositories ?? [])].map((one) => one + '/') : [];
    const keptOff = new Set<BytePath>();
    for (const record of splitNul(output.stdout)) {
      const entry = parseEntry(record);
      if (isOutside(entry)) continue;
      const full = prefix + entry.path;
      if (rules.ignores(full)) continue;
      if (entry.mode === '160000') {
        if (await isFile(options.root, full)) paths.add(full);
        else inner.push(full + '/');
        if (entry.tag === 'S') keptOff.add(full + '/');
      } else if (full.endsWith('/')) inner.push(full);
      else if (entry.tag === 'S') sparse.set(full, { mode: entry.mode, id: entry.id });
      else paths.add(full);
    }
    for (const directory of new Set(inner)) {
      if (rules.ignores(directory)) continue;
      const standing = await isDirectory(options.root, directory);
      if (standing && (await exists(options.root, directory + '.git'))) {
        nested.push(directory);
        await visit(directory, await holdsRepository(options.root, directory));
      } else if (standing || keptOff.has(directory)) {
        // Without its directory it is deleted, as git says too.
        absentSubmodules.push(directory);
      }
    }
  };

  const listOne = async (
    prefix: BytePath,
    isRepository: boolean,
  ): Promise<{ readonly output: GitOutput; readonly place?: GitPlace }> => {
    const cwd = await reach(options.root, prefix, options.linkDirectory);
    await refusePipes(cwd);
    const command = ['ls-files', '-z', '-t', '-s', '-c', '-o', '--exclude-standard'];
    if (isRepository) {
      // Whatever directory its configuration names.
      const env: Record<string, string> = { ...readingOnly(options.env), GIT_WORK_TREE: '.' };
      // A `.git` that is none must not have git find the repository around it.
      if (prefix !== '') env['GIT_CEILING_DIRECTORIES'] = path.dirname(cwd);
      const place = { cwd, env, signal: options.signal };
      const ways = await ignoredWays(place, options.root, prefix, rules);
      opened.push(...ways.map((way) => prefix + way));
      const args = [...command, ...excludeOptions(rules, prefix, ways)];
      const output = await runGit(place, args, { accept: [0, 128] });
      if (output.code === 0) return cwd === linkIn(options.linkDirectory) ? { output } : { output, place };
      if (prefix === '' || !/not a git repository|invalid gitfile/i.test(output.stderr)) {
        throw failure(command, output.code, output.stderr);
      }
    }
    // An index that does not exist: everything is untracked, and the ignore files apply.
    const env = {
      ...options.shadowEnv(cwd),
      GIT_INDEX_FILE: path.join(options.shadowEnv(cwd)['GIT_DIR'] ?? '', 'no-index'),
    };
    const place = { cwd, env, signal: options.signal };
    const ways = await ignoredWays(place, options.root, prefix, rules);
    opened.push(...ways.map((way) => prefix + way));
    const ruled = excludeOptions(rules, prefix, ways);
    const output = await runGit(place, ['ls-files', '-z', '-t', '-o', '--exclude-standard', ...ruled]);
    return options.isRepository ? { output } : { output, place };
  };

  await visit('', options.isRepository);
  for (const [entry] of sparse) {
    if (await exists(options.root, entry)) {
      sparse.delete(entry);
      paths.add(entry);
    }
  }
  return { paths, sparse, nested, absentSubmodules, opened, unreadable, repositories };
}

/** The rules of the settings as options of git's: they stand above those of every file. */
export function excludeOptions(rules: SendRules, prefix: BytePath, opened: readonly BytePath[]): string[] {
  const { include, ignore } = rules.patterns(prefix, opened);
  return [...include, ...ignore].flatMap((pattern) => ['-x', toBytes(pattern).toString('utf8')]);
}

/** Of the ways to what is included, those that git does not take, because it ignores them. Relative to `prefix`. */
export async function ignoredWays(
  place: GitPlace,
  root: string,
  prefix: BytePath,
  rules: SendRules,
): Promise<BytePath[]> {
  const ways: BytePath[] = [];
  for (const way of rules.waysIn(prefix)) if (await isDirectory(root, prefix + way)) ways.push(way);
  if (ways.length === 0) return [];
  const args = ['check-ignore', '-z', '--no-index', '--stdin'];
  const asked = joinNul(ways.map((way) => way.slice(0, -1)));
  const { stdout } = await runGit(place, args, { stdin: asked, accept: [0, 1, 128] });
  return splitNul(stdout).map((way) => way + '/');
}

/** `H 100644 <id> 0\tpath`, or `? path` for an untracked one. */
function parseEntry(record: string): { tag: string; mode: string; id: string; path: BytePath } {
  if (record.startsWith('? ')) return { tag: '?', mode: '', id: '', path: record.slice(2) };
  const [, tag = '', mode = '', id = ''] = /^(\S) (\d{6}) ([0-9a-f]+) \d\t/.exec(record) ?? [];
  if (id === '') throw new SidecarError('git.failed', { command: 'ls-files', reason: 'unexpected output' });
  return { tag, mode, id, path: record.slice(record.indexOf('\t') + 1) };
}

/** A directory as a string that a process can start in: by a link where its name is not UTF-8. */
async function reach(root: string, directory: BytePath, linkDirectory: string): Promise<string> {
  const text = toBytes(directory).toString('utf8');
  if (toBytes(directory).equals(Buffer.from(text, 'utf8'))) return path.join(root, text);
  const link = linkIn(linkDirectory);
  await rm(link, { force: true });
  await symlink(Buffer.concat([Buffer.from(root + '/'), toBytes(directory)]), link);
  return link;
}

const linkIn = (directory: string): string => path.join(directory, 'nested');

/** An index may be made to name anything. What is no path below its own directory is no part of a working tree. */
const isOutside = ({ tag, path }: { tag: string; path: BytePath }): boolean =>
  tag !== '?' && /(?:^|\/)\.{0,2}(?:\/|$)/.test(path);

/** git waits at a named pipe of these names until somebody writes to it. Deeper down it waits, until it is interrupted. */
async function refusePipes(directory: string): Promise<void> {
  const [ignore, attributes, exclude] = await Promise.all([
    lstat(path.join(directory, '.gitignore')).catch(() => undefined),
    lstat(path.join(directory, '.gitattributes')).catch(() => undefined),
    stat(path.join(directory, '.git/info/exclude')).catch(() => undefined),
  ]);
  const refuse = (name: string): never => {
    throw unreadable(directory, path.join(directory, name), 'it is a named pipe');
  };
  if (ignore?.isFIFO() === true) refuse('.gitignore');
  if (attributes?.isFIFO() === true) refuse('.gitattributes');
  if (exclude?.isFIFO() === true) refuse('.git/info/exclude');
}

/** Whether there is more than the name of a repository: git would look for another one further up. */
async function holdsRepository(root: string, directory: BytePath): Promise<boolean> {
  const dotGit = directory + '.git';
  if ((await look(root, dotGit, stat))?.isDirectory() !== true) return true; // a file that names one: git says
  return (await look(root, dotGit + '/HEAD')) !== undefined;
}

/** Whether a path leads to a directory without any link on the way: through one, a repository could hold itself. */
async function isDirectory(root: string, directory: BytePath): Promise<boolean> {
  const parts = directory.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    if ((await look(root, parts.slice(0, depth).join('/')))?.isDirectory() !== true) return false;
  }
  return true;
}

/** Whether anything but a directory is at a path, without following a link in its last part. */
async function isFile(root: string, relative: BytePath): Promise<boolean> {
  return (await look(root, relative))?.isDirectory() === false;
}

/** Whether a path is on the disk, without following a link in its last part. */
async function exists(root: string, relative: BytePath): Promise<boolean> {
  return (await look(root, relative)) !== undefined;
}

/** Undefined for what is not on the disk. Follows no link in the last part of the path, unless told to. */
async function look(
  root: string,
  relative: BytePath,
  how: typeof lstat | typeof stat = lstat,
): Promise<Stats | undefined> {
  try {
    return await how(Buffer.concat([Buffer.from(root + '/'), toBytes(relative)]));
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}
