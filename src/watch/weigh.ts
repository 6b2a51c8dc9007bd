import path from 'node:path';
import { exists, notIgnoredPaths } from '../git/ignored.js';
import type { Environment } from '../git/environment.js';
import type { SendRules } from '../git/send-rules.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Change } from './change.js';

export type Weight =
  /** It changes what travels. */
  | 'land'
  /** It may: the tree has to be looked at. */
  | 'look'
  | 'nothing';

/**
 * How much a change weighs. What is ignored does not travel; git's rules and the settings say what is. A repository's own files do not either; but the index says
 * what is tracked, and the ignore rules what is not: git rewrites the one all the time, mostly to no effect.
 */
export async function weigh(
  change: Change,
  options: {
    readonly tree: WorkingTree;
    readonly gitDir: string | undefined;
    readonly env: Environment;
    readonly rules?: (() => Promise<SendRules>) | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Weight> {
  if (change.kind === 'due' || change.kind === 'lost') return 'land';
  if (change.kind === 'unseen') return 'look';
  let weight: Weight = 'nothing';
  const inTree: string[] = [];
  for (const file of change.paths) {
    const ofGit = insideRepository(file, options.gitDir);
    if (ofGit === undefined) {
      if (/^\.(gitignore|sidecar\.json)$/.test(path.basename(file))) return 'land';
      inTree.push(file);
    } else if (/(^|\/)info\/(exclude|sparse-checkout)$/.test(ofGit)) return 'land';
    else if (/(^|\/)(index|HEAD|config|config\.worktree)$/.test(ofGit)) weight = 'look';
  }
  const { tree, env, signal } = options;
  const travels = await notIgnoredPaths(tree, inTree, { env, signal, rules: await options.rules?.() });
  // A pattern for directories (`dist/`) says nothing of one that is gone.
  for (const file of travels) if (await exists(file)) return 'land';
  return travels.length > 0 ? 'look' : weight;
}

/** The path within the repository whose own file it is; undefined for one of the working tree. */
function insideRepository(file: string, gitDir: string | undefined): string | undefined {
  if (gitDir !== undefined && file.startsWith(gitDir + path.sep)) return file.slice(gitDir.length + 1);
  const parts = file.split(path.sep);
  const at = parts.lastIndexOf('.git');
  return at < 0 ? undefined : parts.slice(at + 1).join('/');
}
