import type { Sidecars } from '../src/client.js';
import type { WorkingTree } from '../src/git/working-tree.js';
import type { Context } from './context.js';

const found = new WeakMap<Context, Promise<WorkingTree>>();

/** The working tree that the command works in, looked for once: choosing a sidecar and syncing to it both ask. */
export function workingTreeHere(context: Context, sidecars: Sidecars): Promise<WorkingTree> {
  let tree = found.get(context);
  if (tree === undefined) {
    tree = sidecars.workingTree(context.directory, context.signal);
    found.set(context, tree);
  }
  return tree;
}
