import path from 'node:path';
import { SidecarError } from '../errors.js';
import { workingTreeOf } from '../git/working-tree.js';
import { objectId } from '../sync/hello.js';
import type { SyncRequest } from '../sync/request.js';
import { pathsOf, type Change, type Paths } from './changes.js';
import { hear } from './hear.js';
import { putInPlace } from './put.js';
import { changesOf, choose, saved } from './saved-drift.js';
import { visit } from './visit.js';
import type { Drift } from '../sync/result.js';

/** What came of putting saved drift back. */
export interface Restored {
  readonly sidecar: string;
  readonly workspace: string;
  /** Of the drift that was put back. It stays saved. */
  readonly id: string;
  /** The paths of that drift that stand there again. */
  readonly restored: Paths;
  /** How many paths that changed in the workspace. */
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
  /** What stood at those paths, had drifted itself, and was saved before it was overwritten. */
  readonly drift: Drift | null;
}

/**
 * Puts the files of saved drift back into the workspace: of all its paths, or of those at or below `only`, which are
 * absolute here. It is no landing: what it puts there is drift, as it was.
 *
 * Throws `drift.unknown`, `usage.invalid` for a path that the drift has nothing at, and what a landing throws.
 */
export async function restoreDrift(
  request: SyncRequest,
  wanted: string | undefined,
  only: readonly string[],
): Promise<Restored> {
  const tree = await workingTreeOf(request.directory, request);
  const within = { ...request, directory: tree };
  // The latest is another one once this has saved something.
  let id = wanted;
  const { result, ...where } = await visit(within, async (visited) => {
    const { conversation, there } = visited;
    const { workspace } = there;
    ({ id } = choose(await saved(within, visited), id, workspace));
    const changes = chosenOf(await changesOf(within, visited, id), tree.root, only);
    conversation.ask([`overlay ${id}`, ...changes.map(overlayLine), ''].join('\n'));
    const { rest } = await hear(conversation, { workspace, emit: request.emit }, {}, 'tree');
    const { changed, drift } = await putInPlace(within, visited, objectId(rest));
    return { id, restored: pathsOf(changes), changed, drift };
  });
  return { ...where, ...result };
}

function chosenOf(changes: readonly Change[], root: string, only: readonly string[]): readonly Change[] {
  if (only.length === 0) return changes;
  const places = only.map((place) => {
    const relative = path.relative(root, place).split(path.sep).join('/');
    if (relative === '..' || relative.startsWith('../') || path.isAbsolute(relative)) {
      throw new SidecarError('usage.invalid', { reason: 'this is outside the working tree', path: place });
    }
    return { place, bytes: Buffer.from(relative).toString('latin1') };
  });
  for (const { place, bytes } of places) {
    if (!changes.some((change) => isAt(change, bytes))) {
      throw new SidecarError('usage.invalid', { reason: 'the saved drift has nothing at this path', path: place });
    }
  }
  return changes.filter((change) => places.some(({ bytes }) => isAt(change, bytes)));
}

const isAt = (change: Change, place: string): boolean =>
  place === '' || change.path === place || change.path.startsWith(`${place}/`);

/** A line of `git update-index --index-info`. The quoted path holds no line break. */
function overlayLine({ after, before, quoted }: Change): string {
  const { mode, id } = after ?? { mode: '0', id: '0'.repeat(before?.id.length ?? 40) };
  return `${mode} ${id}\t${quoted}`;
}
