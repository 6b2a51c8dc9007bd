import { SidecarError } from '../errors.js';
import { objectId, unexpected } from '../sync/hello.js';
import { MissingObjects } from '../sync/with-pack.js';
import type { SyncRequest } from '../sync/request.js';
import type { Drift } from '../sync/result.js';
import { hear } from './hear.js';
import { putInPlace } from './put.js';
import { visit, type Visit } from './visit.js';

/** What came of an undo. */
export interface Undone {
  readonly sidecar: string;
  readonly workspace: string;
  /** What stands there again, proved. */
  readonly tree: string;
  readonly verified: true;
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
  /** What had changed there since the last landing: it was saved. */
  readonly drift: Drift | null;
}

/**
 * Puts the tree back that the last landing replaced, as a landing: another undo takes it back.
 *
 * Throws `undo.unavailable` where there is none, or where objects of it are gone over there, and what a landing throws.
 */
export async function undo(request: SyncRequest): Promise<Undone> {
  // The same one again after a connection was lost: by then the replaced tree may be the other.
  let tree: string | undefined;
  const { result, ...where } = await visit(request, async (visited) => {
    const { workspace } = visited.there;
    tree ??= await replacedTree(request, visited);
    const { changed, drift } = await putInPlace(request, visited, tree).catch((error: unknown) => {
      throw error instanceof MissingObjects ? unavailable(workspace, gone) : error;
    });
    return { tree, verified: true as const, changed, drift };
  });
  return { ...where, ...result };
}

async function replacedTree(request: SyncRequest, { conversation, there }: Visit): Promise<string> {
  const { workspace, landed } = there;
  conversation.ask('replaced');
  const answer = await hear(conversation, { workspace, emit: request.emit }, {}, 'replaced');
  const [, commit = '', tree = ''] = /^(\S+) (\S+)$/.exec(answer.rest) ?? [];
  if (tree === '') throw unexpected(answer);
  if (commit === '-' || landed === null) throw unavailable(workspace, 'no landing has replaced anything');
  if (tree === '-') throw unavailable(workspace, gone);
  return objectId(tree);
}

/** They may have been the workspace's own repository's, and pruned there. */
const gone = 'objects of the tree that stood there before are gone';

const unavailable = (workspace: string, reason: string): SidecarError =>
  new SidecarError('undo.unavailable', { workspace, reason });
