import type { SyncRequest } from '../sync/request.js';
import { diff, type Difference } from './diff.js';
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

  /** What a sync would change there. It can be read for as long as `use` runs. */
  diff<T>(use: (difference: Difference) => Promise<T>): Promise<T> {
    return diff(this.#request, use);
  }
}
