import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFile } from 'atomically';
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

/** Replaces `path` whole or not at all, 0600 whatever the umask. Throws `state.unwritable`. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
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
