import { userInfo } from 'node:os';

/**
 * The directories that `~` may mean, the likelier one first. ssh takes the account's home directory and never looks at
 * HOME, everything else takes HOME: where the two differ, a user may have put files in either.
 */
export type Homes = readonly [string, ...string[]];

export function homesOf(homeDir: string): Homes {
  const accountHome = accountHomeDir();
  return accountHome === undefined || accountHome === homeDir ? [homeDir] : [homeDir, accountHome];
}

/** Where a path may be: in each home directory for one that begins with `~/` or lies in one of them, else as it is. */
export function placesOf(path: string, homes: Homes): string[] {
  const home = ['~', ...homes].find((each) => path.startsWith(`${each}/`));
  return home === undefined ? [path] : homes.map((each) => each + path.slice(home.length));
}

/** An account may be missing, in a container that runs under a made-up user id. */
function accountHomeDir(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}
