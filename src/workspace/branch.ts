import { SidecarError } from '../errors.js';
import { readingOnly, type Environment } from '../git/environment.js';
import { runGit, type GitPlace } from '../git/run.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Change } from './changes.js';
import { localFilters } from './local-filters.js';
import type { Found } from './pull.js';
import { treeWith, writeSide, type Sides } from './side-tree.js';

/** A branch that holds drift. */
export interface Branched {
  readonly branch: string;
  /** The commit of the drift, and nothing else. */
  readonly commit: string;
  /** The commit that it is on top of; null for a repository without any. */
  readonly parent: string | null;
}

/**
 * Throws `usage.invalid` for a name that git does not take for a branch, and where the working tree belongs to no
 * repository; `pull.branch_exists`.
 */
export async function checkBranch(branch: string, tree: WorkingTree, env: Environment): Promise<void> {
  if (tree.repository === undefined) {
    const reason = 'this working tree belongs to no git repository, which has the branches';
    throw new SidecarError('usage.invalid', { reason });
  }
  const place = { cwd: tree.root, env: readingOnly(env) };
  const ref = `refs/heads/${branch}`;
  const { code } = await runGit(place, ['check-ref-format', ref], { accept: [0, 1] });
  if (code !== 0 || branch.startsWith('-') || branch === 'HEAD') {
    throw new SidecarError('usage.invalid', { reason: 'this is no name for a branch', value: branch });
  }
  if (await exists(place, ref)) throw new SidecarError('pull.branch_exists', { branch });
}

interface Parts {
  readonly tree: WorkingTree;
  readonly changes: readonly Change[];
  /** git where it finds every object of the changes. */
  readonly place: GitPlace;
  /** Private; holds the indexes of `Patch.of`. */
  readonly directory: string;
  readonly env: Environment;
  readonly found: Found;
  /** The commit that HEAD named when the tree landed, as the sidecar says. */
  readonly headThen: string | null;
}

/**
 * Commits drift on a new branch. Neither the working tree nor the user's index is touched. The last commit is the drift,
 * and nothing else: it is on top of HEAD where HEAD has what landed at those paths. Otherwise a commit of what landed
 * there comes first, on top of where HEAD was then: a merge then sees what was done here since.
 *
 * git takes the files as `git add` does; but filters that only the repository itself configures do not run. Null where
 * there is nothing to commit.
 *
 * Throws what `checkBranch` and `treeWith` throw, and `git.failed`, as where git does not know who commits.
 */
export async function commitOnBranch(branch: string, parts: Parts): Promise<Branched | null> {
  const { tree, changes, directory, env, place, found } = parts;
  await checkBranch(branch, tree, env);
  if (changes.length === 0) return null;
  const user: GitPlace = { cwd: tree.root, env: { ...readingOnly(env), ...authorOf(env) }, signal: place.signal };
  const gitDir = (await runGit(user, ['rev-parse', '--absolute-git-dir'])).stdout.toString().replace(/\n$/, '');
  const sides: Sides = { changes, raw: place, user, gitDir, directory, options: await localFilters(user) };
  await writeSide(sides, 'before');
  await writeSide(sides, 'after');

  const words = messages(found);
  let parent = await idOf(user, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  let before = await treeWith(sides, 'before', parent);
  if (before !== (await treeOf(user, parent))) {
    const then = parent === null || parts.headThen === null ? null : await forkOf(user, parent, parts.headThen);
    if (then !== null && then !== parent) {
      parent = then;
      before = await treeWith(sides, 'before', parent);
    }
    if (before !== (await treeOf(user, parent)))
      parent = await commit(user, { of: before, parent, words: words.landed });
  }
  const after = await treeWith(sides, 'after', parent);
  // Only line ends, say, which git does not take in.
  if (after === before) return null;
  const tip = await commit(user, { of: after, parent, words: words.drift });
  await makeRef(user, branch, tip);
  return { branch, commit: tip, parent };
}

/** Only where there still is none. */
async function makeRef(user: GitPlace, branch: string, commit: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const args = ['update-ref', '-m', 'sidecar pull', ref, commit, '0'.repeat(commit.length)];
  await runGit(user, args).catch(async (error: unknown) => {
    throw (await exists(user, ref)) ? new SidecarError('pull.branch_exists', { branch }, { cause: error }) : error;
  });
}

async function commit(
  user: GitPlace,
  { of, parent, words }: { readonly of: string; readonly parent: string | null; readonly words: string },
): Promise<string> {
  const args = ['commit-tree', of, ...(parent === null ? [] : ['-p', parent])];
  return (await runGit(user, args, { stdin: words })).stdout.toString('latin1').trim();
}

/** Where the history of HEAD left that of another commit. Null where this repository does not know that one. */
const forkOf = (user: GitPlace, head: string, other: string): Promise<string | null> =>
  idOf(user, ['merge-base', head, other]);

/** The tree of a commit; of none, the empty one. */
const treeOf = async (user: GitPlace, commit: string | null): Promise<string | null> =>
  commit === null
    ? (await runGit(user, ['mktree'])).stdout.toString('latin1').trim()
    : idOf(user, ['rev-parse', '--verify', '--quiet', `${commit}^{tree}`]);

async function idOf(user: GitPlace, args: readonly string[]): Promise<string | null> {
  const { stdout, code } = await runGit(user, args, { accept: [0, 1, 128] });
  return code === 0 ? stdout.toString('latin1').trim() : null;
}

async function exists(place: GitPlace, ref: string): Promise<boolean> {
  return (await runGit(place, ['show-ref', '--verify', '--quiet', ref], { accept: [0, 1] })).code === 0;
}

/** Whom git is told of in its own environment. */
function authorOf(env: Environment): Record<string, string> {
  const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [`GIT_${who}_NAME`, `GIT_${who}_EMAIL`]);
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** On their first line they say where; a path may hold a line break. */
function messages({ sidecar, workspace, landed }: Found): { readonly landed: string; readonly drift: string } {
  const where = `${sidecar}:${workspace.replace(/[\0-\x1f\x7f]/g, '?')}`;
  const since = landed === null ? '' : `\nSince tree ${landed.tree} landed there.\n`;
  return {
    landed: `What had landed on ${where}\n\nOf the files that were changed there since.\n`,
    drift: `What was changed on ${where}\n${since}`,
  };
}
