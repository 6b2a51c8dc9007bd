import { stat } from 'node:fs/promises';
import { SidecarError } from '../errors.js';
import { gitAtWork, gitDirectory } from '../git/at-work.js';
import type { WorkingTree } from '../git/working-tree.js';
import { ok, Unmade, warning, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';

/** git holds its lock for as long as it writes files. One that is older than this was probably left behind. */
const staleLockMs = 60_000;

/** The working tree that a command would land. One in the middle of a merge or a rebase is fine. */
export function workingTreeCheck(
  patient: Patient,
  { limit, tree }: { readonly limit: Limit; readonly tree: Promise<WorkingTree> },
): Check {
  return {
    id: 'working_tree',
    run: async () => limit(judge(patient, await tree.catch(withoutGit))),
  };
}

/** What is wrong with git itself, another check says. */
function withoutGit(error: unknown): never {
  throw error instanceof SidecarError && /^git\.(missing|too_old)$/.test(error.code) ? new Unmade('git') : error;
}

async function judge({ env, signal, timeOfDay }: Patient, tree: WorkingTree): Promise<Verdict> {
  const { root } = tree;
  const gitDir = await gitDirectory(tree, { env, signal });
  if (gitDir === undefined) return ok('tree.directory', { root });
  const work = await gitAtWork(gitDir, timeOfDay());
  if (work === undefined) return ok('tree.repository', { root });
  const { path } = work;
  const sinceMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity;
  const isStale = path.endsWith('index.lock') && timeOfDay() - sinceMs > staleLockMs;
  return isStale ? warning('tree.locked', { path }) : ok('tree.at_work', { path });
}
