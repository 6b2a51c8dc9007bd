import { readingOnly, type Environment } from './environment.js';
import type { Beside } from './beside.js';
import { joinNul, splitNul } from './path-bytes.js';
import { runGit } from './run.js';
import type { WorkingTree } from './working-tree.js';

/**
 * The FIFOs, sockets and devices that are not ignored. git passes over them in silence; a user should hear of it.
 */
export async function notIgnored(
  tree: WorkingTree,
  specials: Beside['specials'],
  options: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<Beside['specials']> {
  if (specials.length === 0 || tree.repository === undefined) return specials;
  const place = { cwd: tree.root, env: readingOnly(options.env), signal: options.signal };
  const stdin = joinNul(specials.map((one) => one.path));
  const ignored = await runGit(place, ['check-ignore', '-z', '--stdin'], { stdin, accept: [0, 1, 128] });
  const names = new Set(splitNul(ignored.stdout));
  return specials.filter((one) => !names.has(one.path));
}
