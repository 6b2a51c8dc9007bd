import type { Beside } from './beside.js';
import type { Environment } from './environment.js';
import { ignoredAmong } from './ignored.js';
import type { SendRules } from './send-rules.js';
import type { WorkingTree } from './working-tree.js';

/**
 * The FIFOs, sockets and devices that are not ignored. git passes over them in silence; a user should hear of it.
 */
export async function notIgnored(
  tree: WorkingTree,
  specials: Beside['specials'],
  options: {
    readonly env: Environment;
    readonly rules?: SendRules | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Beside['specials']> {
  const paths = specials.map((one) => one.path);
  const { ignored } = await ignoredAmong(tree, paths, options);
  return specials.filter((one) => !ignored.has(one.path));
}
