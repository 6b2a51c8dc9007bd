import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SidecarError } from '../errors.js';

/**
 * Makes `path` and its missing parents, each 0700 whatever the umask. A directory that exists is left as its owner made
 * it. Throws `state.unwritable`.
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Not `mkdir -p`: under an umask of 0777 that could not enter the parents it has just made. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path, 0o700).catch((again: unknown) => {
      if (errorCode(again) !== 'EEXIST') throw again; // somebody else made it in between
    });
  }
  await chmod(path, 0o700);
}

/**
 * Checks that nobody else can write in `path`, as OpenSSH does for its own files: whoever can decides which machines are
 * trusted. One that does not exist, or that holds nothing yet, is no danger; the latter is made private. Root may use a
 * directory of another user, who is mostly the same person.
 *
 * Throws `state.exposed` {path, mode or owner}, and `state.unwritable` when it cannot be looked at. Windows has no such modes.
 */
export async function checkPrivateDirectory(path: string): Promise<void> {
  const me = process.getuid?.();
  if (me === undefined) return;
  try {
    const { uid, mode } = await stat(path);
    if (uid !== me && me !== 0) throw new SidecarError('state.exposed', { path, owner: uid }, { retryable: false });
    if (!isShared(mode)) return;
    if ((await readdir(path)).length === 0) await chmod(path, 0o700);
    // Somebody else may have been quicker: another command of ours to make it private, or another user to write.
    const owners = await Promise.all((await readdir(path)).map(async (name) => (await lstat(join(path, name))).uid));
    if (!isShared((await stat(path)).mode) && owners.every((owner) => owner === me)) return;
    throw new SidecarError('state.exposed', { path, mode: modeText(mode) }, { retryable: false });
  } catch (error) {
    if (error instanceof SidecarError) throw error;
    if (errorCode(error) !== 'ENOENT') throw unwritable(path, error);
  }
}

const isShared = (mode: number): boolean => (mode & 0o022) !== 0;

/** As chmod(1) takes it: `0777`. */
const modeText = (mode: number): string => `0${(mode & 0o7777).toString(8)}`;

/** Replaces `path` whole or not at all, 0600 whatever the umask. Throws `state.unwritable`. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const { writeFile } = await import('atomically');
  try {
    // The timeout is for running out of file descriptors; a refused permission is retried as long, so keep it short.
    await writeFile(path, content, { mode: 0o600, timeout: 500 });
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** A failed system call on our own files, in words for the user. */
export function unwritable(path: string, error: unknown): SidecarError {
  const reason = error instanceof Error ? error.message : String(error);
  return new SidecarError('state.unwritable', { path, reason }, { cause: error, retryable: false });
}

/** The `code` of a system error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
