import path from 'node:path';
import { SidecarError } from '../errors.js';
import { withLock } from '../files/lock.js';
import { makePrivateDirectory } from '../files/private-files.js';
import { openShadow, shadowPath, type Shadow } from '../git/shadow.js';
import { workingTreeOf } from '../git/working-tree.js';
import { greet, type Greeting } from '../sync/greeting.js';
import { MissingObjects } from '../sync/with-pack.js';
import { overSession } from '../sync/over-session.js';
import type { SyncRequest } from '../sync/request.js';
import { workspacePath } from '../sync/workspace.js';

/** A conversation about a workspace, for which no snapshot is needed. */
export interface Visit extends Greeting {
  readonly shadow: Shadow;
}

/** Where a visit was, and what came of it. */
export interface Visited<T> {
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  readonly result: T;
}

/**
 * Talks to the far half about the workspace. What is asked for may be asked again, when the connection was lost on the
 * way.
 *
 * Throws what `open` and `hello` throw, and `sync.remote_failed` where objects over there are gone.
 */
export async function visit<T>(request: SyncRequest, work: (visit: Visit) => Promise<T>): Promise<Visited<T>> {
  const { env, signal, clock, sidecar } = request;
  const tree = await workingTreeOf(request.directory, { env, signal });
  const asked = { format: tree.format, workspace: workspacePath(tree.root, request.workdir) };
  const place = shadowPath(tree, request.stateDir);
  await makePrivateDirectory(path.dirname(place));
  const shadow = await withLock(place, () => openShadow(tree, request), { signal });
  const { result } = await overSession(request, async ({ transport }) => {
    const greeting = await greet(transport, asked, { signal, clock, syncing: false, subject: 'workspace' });
    const { workspace } = greeting.there;
    try {
      return { sidecar, workspace, result: await work({ ...greeting, shadow }) };
    } catch (error) {
      if (!(error instanceof MissingObjects)) throw error;
      throw new SidecarError('sync.remote_failed', { workspace, reason: error.message }, { cause: error });
    } finally {
      await greeting.conversation.close();
    }
  });
  return result;
}
