import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { readingOnly, type Environment } from './environment.js';
import { excludeOptions, ignoredWays } from './listing.js';
import { joinNul, splitNul, toBytes, type BytePath } from './path-bytes.js';
import { runGit, type GitPlace } from './run.js';
import type { SendRules } from './send-rules.js';
import type { WorkingTree } from './working-tree.js';

interface Asked {
  readonly env: Environment;
  readonly rules?: SendRules | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The directories of which nothing travels, whatever appears in them, absolute: they are ignored, and git tracks no file there. */
export async function ignoredDirectories(tree: WorkingTree, { env, rules, signal }: Asked): Promise<string[]> {
  if (tree.repository === undefined) return [];
  const place = { cwd: tree.root, env: readingOnly(env), signal };
  const args = ['ls-files', '-z', '-o', '-i', '--exclude-standard', '--directory'];
  const ways = rules === undefined ? [] : await ignoredWays(place, tree.root, '', rules);
  if (rules !== undefined) args.push(...excludeOptions(rules, '', ways));
  const { stdout, code } = await runGit(place, args, { accept: [0, 128] });
  if (code !== 0) return [];
  const isOnAWay = (name: BytePath): boolean => ways.some((way) => way.startsWith(name));
  const names = splitNul(stdout).filter((name) => /[^/]\/$/.test(name) && !isOnAWay(name));
  // git also names those that only hold what is ignored, today.
  const asked = names.filter((name) => rules?.ignores(name) !== true);
  const { ignored } = await ignoredIn(
    place,
    asked.map((name) => name.slice(0, -1)),
  );
  return names
    .filter((name) => rules?.ignores(name) === true || ignored.has(name.slice(0, -1)))
    .map((name) => path.join(tree.root, toBytes(name.slice(0, -1)).toString('utf8')));
}

/** The paths, absolute, that are not ignored. Where git cannot tell, it ignores none. */
export async function notIgnoredPaths(
  tree: WorkingTree,
  paths: readonly string[],
  asked: Asked,
): Promise<readonly string[]> {
  const relative = (file: string): BytePath => Buffer.from(path.relative(tree.root, file)).toString('latin1');
  const { ignored, complete } = await ignoredAmong(tree, paths.map(relative), asked);
  // In a submodule, say, or behind a link.
  if (!complete) return paths.filter((file) => asked.rules?.ignores(relative(file)) !== true);
  return paths.filter((file) => !ignored.has(relative(file)));
}

/** Which of these paths are ignored, by the settings or by git. The answer is not `complete` where git gave up at one of them. */
export async function ignoredAmong(
  tree: WorkingTree,
  paths: readonly BytePath[],
  { env, rules, signal }: Asked,
): Promise<{ readonly ignored: ReadonlySet<BytePath>; readonly complete: boolean }> {
  const verdicts = new Map(paths.map((one) => [one, rules?.verdict(one)?.kind]));
  const byRule = paths.filter((one) => verdicts.get(one) === 'ignored');
  if (tree.repository === undefined) return { ignored: new Set(byRule), complete: true };
  const undecided = paths.filter((one) => verdicts.get(one) === undefined);
  const byGit = await ignoredIn({ cwd: tree.root, env: readingOnly(env), signal }, undecided);
  return { ...byGit, ignored: new Set([...byRule, ...byGit.ignored]) };
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
