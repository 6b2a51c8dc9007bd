import path from 'node:path';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import { toText, type BytePath } from '../git/path-bytes.js';
import type { GitPlace } from '../git/run.js';
import { hasStamp, inTheWay, standingAt } from '../git/standing.js';
import { statsAt } from '../git/disk.js';
import { waysTo } from '../git/tree-path.js';
import type { WorkingTree } from '../git/working-tree.js';
import { Blobs } from './blobs.js';
import { pathsOf, type Change, type Paths } from './changes.js';
import { Leftover } from './leftover.js';
import { isSame, meet, type Step } from './meet.js';
import { removeHere, writeHere, Taken } from './write-here.js';

/** What was changed in the working tree. Paths are escaped for display. */
export interface Applied {
  readonly applied: Paths;
}

/**
 * Puts changes of the workspace's into the working tree. Where that has changed too since it landed, nothing is touched.
 *
 * Every file is written beside its place and renamed, and looked at once more right before: what changes here meanwhile is
 * not overwritten either. Cut off, it is done in part, each file whole; done again, it goes on from there.
 *
 * Throws `pull.conflict` {conflicts, applied}, where `applied` counts the paths that were put in place before,
 * `pull.unwritable` {path, file, reason, applied}, and `sync.unreadable`.
 */
export async function putHere(
  tree: WorkingTree,
  changes: readonly Change[],
  { place, gitDir, workspace }: { readonly place: GitPlace; readonly gitDir: string; readonly workspace: string },
): Promise<Applied> {
  // Two of them would each take the other for an editor.
  return withLock(
    path.join(gitDir, 'sidecar-pull'),
    async () => {
      const leftover = new Leftover(gitDir, tree.root);
      await leftover.clear();
      const { steps, conflicts } = await meet(tree, changes);
      if (conflicts.length > 0) throw conflict(workspace, conflicts, 0);
      await perform(tree, inOrder(steps), { place, workspace, leftover });
      return { applied: pathsOf(steps.map(({ change }) => change)) };
    },
    { signal: place.signal },
  );
}

async function perform(
  tree: WorkingTree,
  steps: readonly Step[],
  { place, workspace, leftover }: { readonly place: GitPlace; readonly workspace: string; readonly leftover: Leftover },
): Promise<void> {
  const { root } = tree;
  const blobs = new Blobs(place);
  let applied = 0;
  try {
    for (const step of steps) {
      place.signal?.throwIfAborted();
      const { path: name, after } = step.change;
      const untouched = (): Promise<boolean> => isUntouched(tree, step);
      try {
        if (after === null) await removeHere(root, name, untouched);
        else {
          const writing = { root, path: name, before: step.standing, after, beside: leftover.beside(name) };
          await writeHere(writing, { blobs, untouched });
        }
      } catch (error) {
        if (error instanceof Taken) throw conflict(workspace, [name], applied);
        throw unwritable(error, { root, name, applied });
      }
      applied += 1;
    }
    await leftover.clear();
  } finally {
    blobs.close();
  }
}

/** Whether there stands still what was seen when the changes were compared with it. */
async function isUntouched({ root, format }: WorkingTree, { change, standing }: Step): Promise<boolean> {
  const name = change.path;
  if (standing.kind !== 'file') return inTheWay(root, name) === undefined && statsAt(root, name) === undefined;
  if (inTheWay(root, name) === undefined && hasStamp(root, name, standing.stamp)) return true;
  // Another name of the same file may have been replaced just now: that is no change of this one.
  return isSame(await standingAt(root, name, format), standing);
}

/**
 * First goes what stands in the way, then comes all that comes, then goes the rest: so a file that was moved is always
 * there, and sometimes twice.
 */
function inOrder(steps: readonly Step[]): Step[] {
  const goes = ({ change }: Step): boolean => change.after === null;
  const coming = steps.filter((step) => !goes(step));
  const places = new Set(coming.map(({ change }) => change.path));
  const ways = new Set(coming.flatMap(({ change }) => waysTo(change.path)));
  const inWay = ({ change: { path: name } }: Step): boolean =>
    ways.has(name) || waysTo(name).some((way) => places.has(way));
  const going = steps.filter(goes);
  return [...going.filter(inWay), ...coming, ...going.filter((step) => !inWay(step))];
}

const conflict = (workspace: string, paths: readonly BytePath[], applied: number): SidecarError =>
  new SidecarError('pull.conflict', { workspace, conflicts: paths.map(toText), applied });

function unwritable(
  error: unknown,
  { root, name, applied }: { readonly root: string; readonly name: BytePath; readonly applied: number },
): unknown {
  if (error instanceof SidecarError || (error as NodeJS.ErrnoException).code === undefined) return error;
  const reason = (error as Error).message;
  const file = path.join(root, toText(name));
  return new SidecarError('pull.unwritable', { path: toText(name), file, reason, applied }, { cause: error });
}
