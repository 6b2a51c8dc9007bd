import { lstat, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';

/** Far above what anybody writes into such a file. */
const largestFileBytes = 4 * 1024 * 1024;

/**
 * The text of a file of the working tree; undefined where there is none.
 *
 * Throws `init.refused` {path, file, reason} for what is no file, or lies behind a link: a repository is nobody's to trust,
 * and a link could have us write anywhere. Throws `init.unwritable` where it cannot be read.
 */
export async function readInTree(root: string, name: string): Promise<string | undefined> {
  const place = placeIn(root, name);
  return system(place, async () => {
    if (!(await isThere(place))) return undefined;
    return readFile(place.file, 'utf8');
  });
}

/** Replaces a file of the working tree whole or not at all; its mode stays. Throws what `readInTree` throws. */
export async function writeInTree(root: string, name: string, text: string): Promise<void> {
  const place = placeIn(root, name);
  const { writeFile } = await import('atomically');
  await system(place, async () => {
    await isThere(place);
    await mkdir(path.dirname(place.file), { recursive: true });
    // The timeout is for running out of file descriptors; a refused permission is retried as long, so keep it short.
    await writeFile(place.file, text, { timeout: 500 });
  });
}

interface Place {
  readonly root: string;
  readonly name: string;
  readonly file: string;
}

const placeIn = (root: string, name: string): Place => ({ root, name, file: path.join(root, name) });

async function isThere(place: Place): Promise<boolean> {
  const parts = place.name.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const name = parts.slice(0, depth).join('/');
    const stats = await lstat(path.join(place.root, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) throw refused(place, `${name} is a link`);
    if (depth < parts.length && !stats.isDirectory()) throw refused(place, `${name} is no directory`);
    if (depth < parts.length) continue;
    if (!stats.isFile()) throw refused(place, 'it is no file');
    if (stats.size > largestFileBytes) throw refused(place, `it is larger than ${largestFileBytes / 1024 / 1024} MiB`);
  }
  return true;
}

function refused({ name, file }: Place, reason: string): SidecarError {
  return new SidecarError('init.refused', { path: name, file, reason });
}

async function system<T>({ name, file }: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SidecarError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SidecarError('init.unwritable', { path: name, file, reason }, { cause: error });
  }
}
