import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../files/private-files.js';

/** `rm -rf`, also where a directory forbids writing, as in Go's module cache. Links are removed, never followed. */
export async function removeTree(path: string): Promise<void> {
  // A command that is just being killed may still add files: ENOTEMPTY is tried again.
  const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 };
  try {
    await rm(path, options);
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    await makeWritable(path);
    await rm(path, options);
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
  }
}
