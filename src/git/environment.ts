import path from 'node:path';

/** Environment variables by name, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Programs that git would start for a person, and npm's installation directory: simple-git refuses to pass them on. */
const peoplesPrograms = new Set(['EDITOR', 'VISUAL', 'PAGER', 'PREFIX', 'SSH_ASKPASS']);

/**
 * The caller's environment without git's own variables, which a hook, an alias or an editor may have set for another
 * repository, without programs to talk to a person, and without the places on PATH that depend on where a program runs:
 * in a working tree, `.` would find whatever that tree calls git.
 */
export function withoutGit(env: Environment): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || name.startsWith('GIT_') || peoplesPrograms.has(name)) continue;
    if (name.toUpperCase() !== 'PATH') clean[name] = value;
    else if (absoluteOnly(value) !== '') clean[name] = absoluteOnly(value); // an empty one is the working directory
  }
  return clean;
}

const absoluteOnly = (searched: string): string =>
  searched
    .split(path.delimiter)
    .filter((directory) => path.isAbsolute(directory))
    .join(path.delimiter);

/**
 * For git in the user's own repository: reads only. No lock is taken for an index refresh, nothing is fetched for a
 * partial clone, nobody is asked for a password, and messages are in English because some are read.
 *
 * A git older than 2.44 knows no GIT_NO_LAZY_FETCH. It may then start a fetch, but no transport is allowed to that, and so
 * none of the programs that a repository can name for one.
 */
export function readingOnly(env: Environment): Record<string, string> {
  return {
    ...withoutGit(env),
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** Settings of the user's repository that would start a program or change what git prints are overridden. */
export const neutralOptions = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.quotePath=true',
] as const;

/** For git in a shadow repository: no configuration but the shadow's own is read. */
export function shadowEnvironment(env: Environment, gitDir: string, workTree: string): Record<string, string> {
  return {
    ...readingOnly(env),
    HOME: gitDir,
    XDG_CONFIG_HOME: gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_DIR: gitDir,
    GIT_WORK_TREE: workTree,
    GIT_AUTHOR_NAME: 'sidecar',
    GIT_AUTHOR_EMAIL: 'sidecar',
    GIT_AUTHOR_DATE: '@0 +0000',
    GIT_COMMITTER_NAME: 'sidecar',
    GIT_COMMITTER_EMAIL: 'sidecar',
    GIT_COMMITTER_DATE: '@0 +0000',
  };
}
