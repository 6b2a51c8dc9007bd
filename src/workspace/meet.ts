import { placeOf, readEntries } from '../git/directory.js';
import type { BytePath } from '../git/path-bytes.js';
import { inTheWay, standingAt, type Standing } from '../git/standing.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Change, Entry } from './changes.js';

/** A change of the workspace's that the working tree can take: there stands what had landed. */
export interface Step {
  readonly change: Change;
  readonly standing: Standing;
}

/** Changes of the workspace's and what stands here. Where that is the same already, there is nothing to do. */
export interface Met {
  readonly steps: readonly Step[];
  /** Where something else stands here than what had landed. */
  readonly conflicts: readonly BytePath[];
}

/**
 * Compares, path by path, what had landed, what stands in the workspace now, and what stands here now. Throws
 * `sync.unreadable`.
 */
export async function meet({ root, format }: WorkingTree, changes: readonly Change[]): Promise<Met> {
  const steps: Step[] = [];
  const conflicts: BytePath[] = [];
  for (const change of changes) {
    const standing = await standingAt(root, change.path, format);
    const verdict = judge(change, standing);
    if (verdict === 'take') steps.push({ change, standing });
    if (verdict === 'conflict') conflicts.push(change.path);
  }
  const going = new Set(steps.filter(({ change }) => change.after === null).map(({ change }) => change.path));
  for (const { change, standing } of steps) {
    if (change.after !== null && !hasRoom(root, change.path, standing, going)) conflicts.push(change.path);
  }
  return { steps, conflicts: conflicts.sort() };
}

function judge({ before, after }: Change, standing: Standing): 'take' | 'here' | 'conflict' {
  if (standing.kind === 'other') return 'conflict';
  if (isSame(standing, after)) return 'here';
  return isSame(standing, before) ? 'take' : 'conflict';
}

/** Whether a tree of what stands there would hold that entry. A directory is no entry. */
export function isSame(standing: Standing, entry: Entry | null): boolean {
  if (standing.kind === 'file') return entry?.id === standing.id && entry.mode === standing.mode;
  return standing.kind !== 'other' && entry === null;
}

/** Whether a file can stand there once those that go are gone: no file is on the way, and none in a directory there. */
function hasRoom(root: string, path: BytePath, standing: Standing, going: ReadonlySet<BytePath>): boolean {
  const obstacle = inTheWay(root, path);
  if (obstacle !== undefined) return going.has(obstacle);
  return standing.kind !== 'directory' || isEmptied(root, path, going);
}

function isEmptied(root: string, directory: BytePath, going: ReadonlySet<BytePath>): boolean {
  const entries = readEntries(placeOf(root, directory));
  // What cannot be read may hold anything.
  if (entries === undefined) return false;
  return [...entries].every(([name, kind]) => {
    const path = `${directory}/${name}`;
    return kind === 'directory' ? isEmptied(root, path, going) : going.has(path);
  });
}
