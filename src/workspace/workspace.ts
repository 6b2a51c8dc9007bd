import { restoreDrift, type Restored } from './restore.js';
import { dropDrift, listDrift, showDrift, type DriftList } from './saved-drift.js';
import { undo, type Undone } from './undo.js';
import type { SyncRequest } from '../sync/request.js';
import { diff, type Difference } from './diff.js';
import { checkBranch } from './branch.js';
import { pull, type Pulled } from './pull.js';
import { workingTreeOf } from '../git/working-tree.js';
import { verify, type Verified } from './verify.js';
import { status, type WorkspaceStatus } from './status.js';

/** All that can be asked of a workspace, and done in it, beside landing the working tree there. */
export class Workspace {
  readonly #request: SyncRequest;

  /** Of what a sync may be told, only where it lands and who hears of it counts. */
  constructor(request: SyncRequest) {
    this.#request = request;
  }

  /** Whether it is in step with the working tree, and what a sync would change there. */
  status(): Promise<WorkspaceStatus> {
    return status(this.#request);
  }

  /** Reads every byte of it again, and compares them with what landed there. */
  verify(): Promise<Verified> {
    return verify(this.#request);
  }

  /** What earlier landings found changed there, and saved. */
  listDrift(): Promise<DriftList> {
    return listDrift(this.#request);
  }

  /** What was saved under an id, or its beginning, or last. It can be read for as long as `use` runs. */
  showDrift<T>(id: string | undefined, use: Parameters<typeof showDrift<T>>[2]): Promise<T> {
    return showDrift(this.#request, id, use);
  }

  /** Puts saved files back into the workspace: all, or those at or below `only`, absolute paths here. */
  restoreDrift(id: string | undefined, only: readonly string[] = []): Promise<Restored> {
    return restoreDrift(this.#request, id, only);
  }

  /** Deletes saved drift for good. */
  dropDrift(ids: readonly string[] | 'all'): ReturnType<typeof dropDrift> {
    return dropDrift(this.#request, ids);
  }

  /** Puts the tree back that the last landing replaced. */
  undo(): Promise<Undone> {
    return undo(this.#request);
  }

  /** What changed there since the last landing and is not here. It can be brought back for as long as `use` runs. */
  pull<T>(use: (pulled: Pulled) => Promise<T>): Promise<T> {
    return pull(this.#request, use);
  }

  /** Whether `Pulled.commitOn` may make a branch of that name: throws what it would throw. */
  async checkBranch(name: string): Promise<void> {
    const { directory, env } = this.#request;
    await checkBranch(name, await workingTreeOf(directory, this.#request), env);
  }

  /** What a sync would change there. It can be read for as long as `use` runs. */
  diff<T>(use: (difference: Difference) => Promise<T>): Promise<T> {
    return diff(this.#request, use);
  }
}
