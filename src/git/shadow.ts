import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { shadowEnvironment, withoutGit, type Environment } from './environment.js';
import { runGit, type GitPlace } from './run.js';
import type { WorkingTree } from './working-tree.js';

/**
 * A bare repository of our own beside a working tree: its index describes the working tree as raw bytes, and it borrows
 * the objects of the user's repository, so that nothing is copied and nothing of the user's is written.
 */
export interface Shadow {
  readonly gitDir: string;
  /** Names this working tree on this machine to a sidecar: hexadecimal, random. */
  readonly origin: string;
  /** Where git runs on the shadow with the working tree. */
  readonly place: GitPlace;
}

/** Above this size a file is streamed, neither held in memory nor compared with another for a delta. */
const streamedAbove = '32m';

/** What both sides' shadows are set to: holds no single quote, for it travels in a shell script. */
export const shadowConfig = `[core]
	autocrlf = false
	bigFileThreshold = ${streamedAbove}
	compression = 1
	fileMode = true
	fsmonitor = false
	hooksPath = /dev/null
	ignoreCase = false
	logAllRefUpdates = false
	precomposeUnicode = false
	protectHFS = false
	protectNTFS = false
	symlinks = true
[gc]
	auto = 0
	packRefs = false
[pack]
	threads = 1`;

/** Raw bytes, whatever the attributes in the tree say: no line ends, filters, keywords or encodings are converted. */
export const shadowAttributes = '* -text -filter -ident -working-tree-encoding';

/** Where the shadow repository of a working tree is. */
export function shadowPath(tree: WorkingTree, stateDir: string): string {
  const key = createHash('sha256').update(tree.root).digest('hex').slice(0, 32);
  return path.join(stateDir, 'shadows', `${key}-${tree.format}`);
}

/**
 * Opens the shadow repository of a working tree under `stateDir`, making it the first time.
 *
 * Throws `state.unwritable` when it cannot be written.
 */
export async function openShadow(
  tree: WorkingTree,
  options: { readonly stateDir: string; readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<Shadow> {
  const gitDir = shadowPath(tree, options.stateDir);
  const marker = path.join(gitDir, 'sidecar-origin');
  try {
    let origin = await readText(marker);
    const known = /^[0-9a-f]{32}$/.test(origin);
    if (!known || !(await isSound(gitDir, tree))) {
      await makeShadow(gitDir, tree, options.env);
      if (!known) origin = randomBytes(16).toString('hex');
      // Last: a shadow without it is made again.
      await writeFile(marker, origin, { mode: 0o600 });
    }
    await borrowObjects(gitDir, tree);
    return {
      gitDir,
      origin,
      place: { cwd: tree.root, env: shadowEnvironment(options.env, gitDir, tree.root), signal: options.signal },
    };
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (cause instanceof SidecarError && cause.code !== 'git.failed') throw cause;
    const reason = cause instanceof Error ? cause.message.replace(/^git\.failed: /, '') : String(cause);
    throw new SidecarError('state.unwritable', { path: gitDir, reason }, { cause, retryable: false });
  }
}

/**
 * Whether the shadow is as it was made: without its attributes and settings, git would convert bytes in silence. All in
 * it can be had again, so one that was damaged is made anew.
 */
async function isSound(gitDir: string, tree: WorkingTree): Promise<boolean> {
  const file = (name: string): Promise<string> => readText(path.join(gitDir, name));
  const isDirectory = async (name: string): Promise<boolean> =>
    (await stat(path.join(gitDir, name)).catch(() => undefined))?.isDirectory() === true;
  const [head, config, attributes, ...directories] = await Promise.all([
    file('HEAD'),
    file('config'),
    file('info/attributes'),
    ...['objects', 'refs', 'info', 'objects/info', 'index', 'objects/info/alternates'].map(isDirectory),
  ]);
  return (
    head.startsWith('ref: refs/heads/') &&
    config.startsWith('[core]\n') &&
    config.endsWith(`\n${shadowConfig}\n`) &&
    /objectformat = sha256/i.test(config) === (tree.format === 'sha256') &&
    attributes === shadowAttributes + '\n' &&
    directories.join() === 'true,true,true,true,false,false'
  );
}

const readText = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

async function makeShadow(gitDir: string, tree: WorkingTree, env: Environment): Promise<void> {
  await rm(gitDir, { recursive: true, force: true });
  await mkdir(gitDir, { recursive: true, mode: 0o700 });
  const format = tree.format === 'sha1' ? [] : [`--object-format=${tree.format}`];
  const clean = { ...withoutGit(env), HOME: gitDir, XDG_CONFIG_HOME: gitDir, GIT_CONFIG_NOSYSTEM: '1' };
  // Nobody else's to read, whatever the umask.
  const init = ['init', '--quiet', '--bare', '--template=', '--shared=0600', ...format, '.'];
  await runGit({ cwd: gitDir, env: clean }, init);
  await mkdir(path.join(gitDir, 'info'), { recursive: true, mode: 0o700 });
  await writeFile(path.join(gitDir, 'config'), shadowConfig + '\n', { flag: 'a' });
  await writeFile(path.join(gitDir, 'info', 'attributes'), shadowAttributes + '\n', { mode: 0o600 });
}

/** Points the shadow at the user's objects, and tells it where a shallow history ends. */
async function borrowObjects(gitDir: string, tree: WorkingTree): Promise<void> {
  const objects = tree.repository?.objects;
  // gitrepository-layout(5): one path a line; quotes are needed only for a leading quote or hash, which no absolute path has.
  await writeIfChanged(path.join(gitDir, 'objects', 'info', 'alternates'), objects === undefined ? '' : objects + '\n');
  const shallow = tree.repository === undefined ? '' : await readFile(tree.repository.shallow, 'utf8').catch(() => '');
  if (shallow === '') await rm(path.join(gitDir, 'shallow'), { force: true });
  else await writeIfChanged(path.join(gitDir, 'shallow'), shallow);
}

async function writeIfChanged(file: string, content: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => '')) === content) return;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, content, { mode: 0o600 });
}
