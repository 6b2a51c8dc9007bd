import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readingOnly, type Environment } from './environment.js';
import { runGit } from './run.js';
import type { WorkingTree } from './working-tree.js';

/** Something that git is in the middle of: `path` shows it, and `id` tells this very one from the next. */
export interface GitWork {
  readonly path: string;
  readonly id: string;
}

/** The repository's directory for this working tree, with its index. A linked worktree has it somewhere else. */
export async function gitDirectory(
  tree: WorkingTree,
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  if (tree.repository === undefined) return undefined;
  const { stdout } = await runGit({ cwd: tree.root, env: readingOnly(env), signal }, [
    'rev-parse',
    '--absolute-git-dir',
  ]);
  return stdout.toString('utf8').replace(/\n$/, '');
}

/** What several commits are replayed with: each has an `index.lock` of its own, and between two of them there is none. */
const sequences = ['rebase-merge', 'rebase-apply', 'sequencer'];

/** A sequence in whose repository nothing has moved for so long has stopped, for somebody to solve a conflict. */
const stepMs = 1_000;

/**
 * Whether git is changing the working tree: a checkout, merge, reset or stash holds `index.lock` until the last file is
 * in place, and a rebase moves on from step to step. One that has stopped is not at work.
 */
export async function gitAtWork(gitDir: string, nowMs = Date.now()): Promise<GitWork | undefined> {
  const lock = path.join(gitDir, 'index.lock');
  const held = await look(lock);
  if (held !== undefined) return { path: lock, id: `${held.ino}:${held.mtimeMs}` };
  for (const name of sequences) {
    const sequence = path.join(gitDir, name);
    if ((await look(sequence)) === undefined) continue;
    const moved = await Promise.all(['.', name, 'HEAD', 'index'].map((each) => look(path.join(gitDir, each))));
    const movedMs = Math.max(...moved.map((stats) => stats?.mtimeMs ?? 0));
    if (Math.abs(nowMs - movedMs) < stepMs) return { path: sequence, id: String(movedMs) };
  }
  return undefined;
}

const look = (file: string) => stat(file).catch(() => undefined);
