import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { readingOnly, type Environment } from './environment.js';
import { joinNul, splitNul, type BytePath } from './path-bytes.js';
import { runGit, type GitPlace } from './run.js';
import type { WorkingTree } from './working-tree.js';

interface Asked {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
}

/** The directories of which nothing travels, absolute: git ignores them, and tracks no file in them. */
export async function ignoredDirectories(tree: WorkingTree, { env, signal }: Asked): Promise<string[]> {
  if (tree.repository === undefined) return [];
  const place = { cwd: tree.root, env: readingOnly(env), signal };
  const args = ['ls-files', '-z', '-o', '-i', '--exclude-standard', '--directory'];
  const { stdout, code } = await runGit(place, args, { accept: [0, 128] });
  if (code !== 0) return [];
  const names = stdout.toString('utf8').split('\0');
  return names.filter((name) => /[^/]\/$/.test(name)).map((name) => path.join(tree.root, name.slice(0, -1)));
}

/** The paths, absolute, that git does not ignore. Where it cannot tell, it ignores none. */
export async function notIgnoredPaths(
  tree: WorkingTree,
  paths: readonly string[],
  asked: Asked,
): Promise<readonly string[]> {
  const relative = (file: string): BytePath => Buffer.from(path.relative(tree.root, file)).toString('latin1');
  const { ignored, complete } = await ignoredAmong(tree, paths.map(relative), asked);
  if (!complete) return paths; // in a submodule, say, or behind a link
  return paths.filter((file) => !ignored.has(relative(file)));
}

/** Which of these paths git ignores. The answer is not `complete` where git gave up at one of them. */
export async function ignoredAmong(
  tree: WorkingTree,
  paths: readonly BytePath[],
  { env, signal }: Asked,
): Promise<{ readonly ignored: ReadonlySet<BytePath>; readonly complete: boolean }> {
  if (tree.repository === undefined) return { ignored: new Set(), complete: true };
  return ignoredIn({ cwd: tree.root, env: readingOnly(env), signal }, paths);
}

/** The same of paths relative to the top of the repository at `place`. */
export async function ignoredIn(
  place: GitPlace,
  paths: readonly BytePath[],
): Promise<{ readonly ignored: ReadonlySet<BytePath>; readonly complete: boolean }> {
  if (paths.length === 0) return { ignored: new Set(), complete: true };
  const args = ['check-ignore', '-z', '--stdin'];
  const { stdout, code } = await runGit(place, args, { stdin: joinNul(paths), accept: [0, 1, 128] });
  return { ignored: new Set(splitNul(stdout)), complete: code !== 128 };
}

/** Whether anything is at a path. */
export async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
