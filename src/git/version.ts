import { readingOnly, type Environment } from './environment.js';
import { runGit } from './run.js';

/** The oldest git on this side: Debian 11's. */
export const localGitFloor = '2.30';

/** The version of git on this machine, as in `2.39.5`; undefined where it tells none. Throws `git.missing` and `git.failed`. */
export async function localGitVersion(
  cwd: string,
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  const { stdout } = await runGit({ cwd, env: readingOnly(env), signal }, ['version']);
  return parseGitVersion(stdout.toString('utf8'));
}

/** The version in `git version 2.39.5 (Apple Git-154)`. */
export function parseGitVersion(said: string): string | undefined {
  return /^git version (\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)/.exec(said)?.[1];
}

/** Whether a version is older than a floor, by its first two numbers. */
export function isOlder(version: string, floor: string): boolean {
  const parts = (text: string): number[] => text.split('.').map(Number);
  const [major = 0, minor = 0] = parts(version);
  const [floorMajor = 0, floorMinor = 0] = parts(floor);
  return major < floorMajor || (major === floorMajor && minor < floorMinor);
}
