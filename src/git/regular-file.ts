import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SidecarError } from '../errors.js';
import { unreadable } from './unreadable.js';

/**
 * The content of a regular file, or undefined where there is none to be read. Whoever made the repository may have put a
 * pipe or a device there, and reading either may never end: it counts as empty, as it does for git.
 *
 * Throws `sync.unreadable` for more than `limitBytes`. Without `followLink` a link is no file.
 */
export async function readRegularFile(
  file: string | Buffer,
  { limitBytes, followLink }: { readonly limitBytes: number; readonly followLink: boolean },
): Promise<Buffer | undefined> {
  // Without O_NONBLOCK, opening a pipe would wait for a writer. Windows knows neither flag.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLink ? 0 : constants.O_NOFOLLOW);
  const handle = await open(file, flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return undefined;
    if (stats.size > limitBytes) throw tooLarge(file, limitBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(stats.size), 0, stats.size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function tooLarge(file: string | Buffer, limitBytes: number): SidecarError {
  const reason = `it is larger than ${Math.floor(limitBytes / 1024)} KiB`;
  return unreadable('/', file.toString(), reason);
}
