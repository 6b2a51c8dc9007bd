import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { readingOnly, type Environment } from './environment.js';
import { runGit } from './run.js';
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
  { env, signal }: Asked,
): Promise<readonly string[]> {
  if (paths.length === 0 || tree.repository === undefined) return paths;
  const relative = (file: string): string => path.relative(tree.root, file);
  const place = { cwd: tree.root, env: readingOnly(env), signal };
  const stdin = paths.map((file) => `${relative(file)}\0`).join('');
  const { stdout, code } = await runGit(place, ['check-ignore', '-z', '--stdin'], { stdin, accept: [0, 1, 128] });
  if (code === 128) return paths; // in a submodule, say, or behind a link
  const ignored = new Set(stdout.toString('utf8').split('\0'));
  return paths.filter((file) => !ignored.has(relative(file)));
}

/** Whether anything is at a path. */
export async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
