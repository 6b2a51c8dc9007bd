import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { statsAt } from '../git/disk.js';
import { joinNul, splitNul, toText, type BytePath } from '../git/path-bytes.js';
import { runGit, type GitPlace } from '../git/run.js';
import { waysTo } from '../git/tree-path.js';
import type { Change } from './changes.js';
import { sideIndex, type Side } from './patch.js';

/** What a side of changes is made into trees of the user's repository with. */
export interface Sides {
  readonly changes: readonly Change[];
  /** git where it finds every object of the changes. */
  readonly raw: GitPlace;
  /** git in the user's working tree, `gitDir` its repository. */
  readonly user: GitPlace;
  readonly gitDir: string;
  /** Private; holds the indexes of `Patch.of`. */
  readonly directory: string;
  /** Options for git as it takes files in. */
  readonly options: readonly string[];
}

/** What would keep git from taking the files as they are, or leave something behind in the repository. */
const steady = [
  ...['fileMode=true', 'symlinks=true', 'ignoreCase=false', 'splitIndex=false', 'untrackedCache=false'],
  ...['sparseCheckout=false', 'safecrlf=false'],
].flatMap((setting) => ['-c', `core.${setting}`]);

/** Writes the files of one side, as raw bytes, into a directory of their own. */
export async function writeSide({ raw, directory }: Sides, side: Side): Promise<void> {
  const work = filesOf(directory, side);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  const env = { ...raw.env, GIT_WORK_TREE: work, GIT_INDEX_FILE: sideIndex(directory, side) };
  await runGit({ ...raw, cwd: work, env }, ['checkout-index', '--all', '--force', '--quiet']);
}

/**
 * The tree of a commit, or of none, with the files of a side in it: as `git add` takes them, line ends and filters
 * included. Needs `writeSide`.
 *
 * Throws `pull.other_repository` {paths} for files in a submodule or a nested repository.
 */
export async function treeWith(sides: Sides, side: Side, commit: string | null): Promise<string> {
  const { changes, user, gitDir, directory, options } = sides;
  const work = filesOf(directory, side);
  const index = path.join(directory, 'index');
  // git would take what it knows of other files for these.
  await rm(index, { force: true });
  const env = { ...user.env, GIT_DIR: gitDir, GIT_WORK_TREE: work, GIT_INDEX_FILE: index };
  const run = async (args: readonly string[], stdin?: Buffer): Promise<Buffer> =>
    (await runGit({ ...user, cwd: work, env }, [...steady, ...options, ...args], stdin === undefined ? {} : { stdin }))
      .stdout;
  await run(['read-tree', commit ?? '--empty']);
  refuseOthers(user.cwd, changes, await run(['ls-files', '-s', '-z']));
  const paths = joinNul(changes.map((change) => change.path));
  await run(['update-index', '-z', '--add', '--remove', '--replace', '--stdin'], paths);
  return (await run(['write-tree', '--missing-ok'])).toString('latin1').trim();
}

const filesOf = (directory: string, side: Side): string => path.join(directory, `${side}-files`);

/** A commit of this repository cannot hold files of another one. */
function refuseOthers(root: string, changes: readonly Change[], staged: Buffer): void {
  const lines = splitNul(staged).filter((line) => line.startsWith('160000 '));
  const submodules = new Set(lines.map((line) => line.slice(line.indexOf('\t') + 1)));
  const paths = changes.map((change) => change.path).filter((name) => isInOther(name, root, submodules));
  if (paths.length > 0) throw new SidecarError('pull.other_repository', { paths: paths.map(toText) });
}

function isInOther(name: BytePath, root: string, submodules: ReadonlySet<BytePath>): boolean {
  const inOther = waysTo(name).some((way) => submodules.has(way) || statsAt(root, `${way}/.git`) !== undefined);
  return inOther || submodules.has(name);
}
