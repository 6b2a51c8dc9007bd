import type { Environment } from './environment.js';
import type { NameChanges } from './grounds.js';
import { ignoredAmong } from './ignored.js';
import type { BytePath } from './path-bytes.js';
import type { SendRules } from './send-rules.js';
import type { WorkingTree } from './working-tree.js';

/** More of them than this are listed anew, and paths that are tracked and gone are not gathered without end. */
const mostNames = 500;
const mostAbsent = 10_000;

/**
 * Of the files that appeared in directories which git looks into, those that travel: some are ignored. Undefined where a
 * new listing has to tell.
 *
 * `apart` are directories that the repository of the whole tree does not speak for, `keptOff` is what a sparse checkout
 * keeps off the disk, and `absent` what was listed and is not there.
 */
export async function travelling(
  tree: WorkingTree,
  { appeared, gone }: NameChanges,
  options: {
    readonly apart: readonly BytePath[];
    readonly keptOff: ReadonlySet<BytePath>;
    readonly absent: ReadonlyMap<BytePath, unknown>;
    readonly env: Environment;
    readonly rules?: SendRules | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<readonly BytePath[] | undefined> {
  const all = [...appeared, ...gone];
  if (all.length === 0) return [];
  if (tree.repository === undefined || all.length > mostNames) return undefined;
  if (options.absent.size > mostAbsent) return undefined;
  if (all.some((path) => isDecisive(path) || options.keptOff.has(path))) return undefined;
  if (all.some((path) => options.apart.some((directory) => path.startsWith(directory)))) return undefined;
  const lowered = new Set(appeared.map((path) => path.toLowerCase()));
  if ([...options.absent.keys()].some((path) => lowered.has(path.toLowerCase()))) return undefined;
  const { ignored, complete } = await ignoredAmong(tree, appeared, options);
  return complete ? appeared.filter((path) => !ignored.has(path)) : undefined;
}

/** A name that says what else is listed, or one that git may spell in another way than the disk does. */
const isDecisive = (path: BytePath): boolean => /(^|\/)\.git(ignore|modules)?$|[^ -~]/i.test(path);
