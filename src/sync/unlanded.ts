import { workingTreeOf } from '../git/working-tree.js';
import { prepare } from './prepare.js';
import type { SyncRequest } from './request.js';
import type { SyncResult } from './result.js';

/** Knows what landed last, and tells whether the working tree is still the same: by a snapshot, without a session. */
export class Unlanded {
  #tree: string | undefined;
  /** The ignore rules that a look found with that tree: they travel too, and a result does not tell of them. */
  #rules: string | null | undefined;

  landed({ tree }: SyncResult): void {
    this.#tree = tree;
    this.#rules = undefined;
  }

  /** Throws what a snapshot throws. */
  async look(request: SyncRequest): Promise<boolean> {
    const { directory, env, signal } = request;
    const found = await workingTreeOf(directory, { env, signal });
    const { snapshot } = await prepare({ ...request, emit: () => undefined }, found);
    const differs = snapshot.tree !== this.#tree || (this.#rules !== undefined && snapshot.rules !== this.#rules);
    if (this.#rules === undefined) this.#rules = snapshot.rules;
    return differs;
  }
}
