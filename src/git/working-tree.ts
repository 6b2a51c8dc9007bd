import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { readingOnly, type Environment } from './environment.js';
import { readRegularFile } from './regular-file.js';
import { runGit } from './run.js';
import { localGitFloor } from './version.js';

export type ObjectFormat = 'sha1' | 'sha256';

/** The user's working tree, and the parts of the repository behind it that a snapshot reads. */
export interface WorkingTree {
  /** The top directory, links resolved. */
  readonly root: string;
  readonly format: ObjectFormat;
  /** Absent for a directory that belongs to no git repository: it is its own working tree. */
  readonly repository?: {
    /** Where its objects are: shared by all its worktrees. */
    readonly objects: string;
    /** `info/exclude`, which need not exist. */
    readonly infoExclude: string;
    /** The list of shallow commits, which need not exist. */
    readonly shallow: string;
    /** The commit that HEAD names, or undefined on an unborn branch. */
    readonly head?: string;
  };
}

/**
 * Finds the working tree that `directory` is in. Works from any subdirectory and in linked worktrees.
 *
 * Throws `git.missing`, `git.too_old`, `git.failed` when git refuses the repository (a bare one, or one that belongs to
 * somebody else), and `usage.invalid` when the directory does not exist.
 */
export async function findWorkingTree(
  directory: string,
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal },
): Promise<WorkingTree> {
  const start = await realpath(directory).catch((cause: unknown) => {
    throw new SidecarError('usage.invalid', { reason: `there is no directory ${directory}` }, { cause });
  });
  const { simpleGit } = await import('simple-git');
  const ours = readingOnly(env);
  const git = simpleGit({
    baseDir: start,
    ...(signal === undefined ? {} : { abort: signal }),
    // It passes on no variable of git's unless told to. These are all our own.
    allowEnvironment: Object.keys(ours).filter((name) => name.startsWith('GIT_')),
  }).env(ours);
  const ask = async (...args: string[]): Promise<string[]> => (await git.raw(args)).split('\n').slice(0, -1);

  const questions = [
    ...['rev-parse', '--is-inside-work-tree', '--show-object-format', '--show-toplevel'],
    ...['--absolute-git-dir', '--git-path', 'objects', '--git-path', 'info/exclude', '--git-path', 'shallow'],
  ];
  let answers: string[];
  try {
    // One answer more for a born branch, none for an unborn one, and perhaps a failure for a broken one.
    answers = await ask(...questions, '--verify', '--quiet', 'HEAD^{commit}').catch(() => ask(...questions));
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message.trim() : String(cause);
    if (reason.includes('ENOENT')) throw new SidecarError('git.missing', {}, { cause });
    if (/not a git repository/i.test(reason)) {
      await expectNoRepository(start);
      return { root: start, format: 'sha1' };
    }
    if (reason.includes('must be run in a work tree')) throw withoutWorkingTree(start);
    if (reason.includes('show-object-format'))
      throw new SidecarError('git.too_old', { floor: localGitFloor }, { cause });
    if (reason.includes('dubious ownership')) {
      const facts = { command: 'rev-parse', reason: `${start} belongs to another user`, distrusted: start };
      throw new SidecarError('git.failed', facts, { cause });
    }
    throw new SidecarError('git.failed', { command: 'rev-parse', reason: fatalLine(reason) }, { cause });
  }
  const head = isCommit(answers.at(-1)) ? answers.pop() : undefined;
  // git prints paths as they are: one that holds a line break would be taken for two answers.
  if (answers.length > 7)
    throw unusable(`the path of ${JSON.stringify(start)}, or of its repository, holds a line break`);
  const [inside, format, root, gitDir, objects, infoExclude, shallow] = answers;
  if (inside !== 'true' || root === undefined || gitDir === undefined || !objects || !infoExclude || !shallow) {
    throw withoutWorkingTree(start);
  }
  if (!(await leadsTo(path.join(root, '.git'), gitDir))) {
    throw unusable(`the repository ${gitDir} names a working tree that it does not stand in: ${root}`);
  }
  return {
    root,
    format: format === 'sha256' ? 'sha256' : 'sha1',
    repository: {
      objects: path.resolve(start, objects),
      infoExclude: path.resolve(start, infoExclude),
      shallow: path.resolve(start, shallow),
      ...(head === undefined ? {} : { head }),
    },
  };
}

/** The other answers are words and paths, and the last of those ends in `shallow`. */
const isCommit = (answer = ''): boolean => /^[0-9a-f]{40,64}$/.test(answer);

/** The working tree around a directory, or the one that was found already. Throws what `findWorkingTree` throws. */
export async function workingTreeOf(
  directory: string | WorkingTree,
  options: Parameters<typeof findWorkingTree>[1],
): Promise<WorkingTree> {
  return typeof directory === 'string' ? findWorkingTree(directory, options) : directory;
}

/** git takes a repository that it may not open for none, and everything around it for one working tree. */
async function expectNoRepository(directory: string): Promise<void> {
  for (let place = directory; ; place = path.dirname(place)) {
    for (const name of ['.git', '.git/HEAD']) {
      const file = path.join(place, name);
      const code = await open(file).then(
        (handle) => handle.close(),
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      );
      if (code === 'EACCES' || code === 'EPERM') throw unusable(`${file} cannot be read: permission denied`);
    }
    if (path.dirname(place) === place) return;
  }
}

const withoutWorkingTree = (directory: string): SidecarError =>
  unusable(`${directory} is in a repository without a working tree`);

const unusable = (reason: string): SidecarError => new SidecarError('git.failed', { command: 'rev-parse', reason });

/**
 * Whether `dotGit` is a repository, or the file by which a submodule or a linked worktree names its own. Whoever wrote the
 * configuration may have named any directory as the working tree (`core.worktree`): one that knows nothing of it is none.
 */
async function leadsTo(dotGit: string, gitDir: string): Promise<boolean> {
  const found = await realpath(dotGit).catch(() => undefined);
  if (found === undefined || found === gitDir) return found === gitDir;
  // gitrepository-layout(5): one line, relative to the directory it stands in.
  const file = await readRegularFile(found, { limitBytes: gitFileBytes, followLink: true });
  const named = /^gitdir: ([^\n]+)\n*$/.exec(file?.toString() ?? '')?.[1];
  return named !== undefined && (await realpath(path.resolve(path.dirname(dotGit), named)).catch(() => '')) === gitDir;
}

const gitFileBytes = 64 * 1024;

/** What git died of: other lines come before it. */
const fatalLine = (text: string): string => /^(?:fatal|error): (.*)$/m.exec(text)?.[1] ?? text.split('\n')[0] ?? '';

/** The user's own file of ignore patterns, wherever their configuration puts it; undefined when there is none to read. */
export async function globalExcludes(tree: WorkingTree, env: Environment): Promise<string | undefined> {
  const place = { cwd: tree.root, env: readingOnly(env) };
  const { stdout } = await runGit(place, ['config', '--type=path', '--get', 'core.excludesFile'], { accept: [0, 1] });
  const configured = stdout.toString('utf8').replace(/\n$/, '');
  if (configured !== '') return path.resolve(tree.root, configured);
  const xdg = env['XDG_CONFIG_HOME'];
  const home = env['HOME'];
  if (xdg !== undefined && xdg !== '') return path.join(xdg, 'git', 'ignore');
  return home === undefined ? undefined : path.join(home, '.config', 'git', 'ignore');
}
