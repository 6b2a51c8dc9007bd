import { createHash } from 'node:crypto';
import { constants, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { leadsNowhere, stampFrom, statsAt, type Stamp } from './disk.js';
import { placeOf } from './directory.js';
import { objectId } from './object-id.js';
import { toText, type BytePath } from './path-bytes.js';
import { waysTo } from './tree-path.js';
import { unreadable } from './unreadable.js';
import type { ObjectFormat } from './working-tree.js';

/** What stands at a path of a working tree, told as a tree would. */
export type Standing =
  /** A file, or a link: also of a name that no snapshot takes. */
  | { readonly kind: 'file'; readonly mode: string; readonly id: string; readonly stamp: Stamp }
  /** `other` is what a tree cannot hold, and what changes while it is looked at. */
  | { readonly kind: 'absent' | 'directory' | 'other' };

/**
 * Reads what stands at a path, through no link. Nothing stands below what is no directory. Throws `sync.unreadable`.
 */
export async function standingAt(root: string, path: BytePath, format: ObjectFormat): Promise<Standing> {
  if (inTheWay(root, path) !== undefined) return { kind: 'absent' };
  const stats = statsAt(root, path);
  if (stats === undefined) return { kind: 'absent' };
  if (stats.isDirectory()) return { kind: 'directory' };
  if (!stats.isFile() && !stats.isSymbolicLink()) return { kind: 'other' };
  const stamp = stampFrom(stats);
  try {
    const mode = stats.isSymbolicLink() ? '120000' : (stats.mode & 0o100n) === 0n ? '100644' : '100755';
    const id = stats.isSymbolicLink()
      ? objectId(format, 'blob', readlinkSync(placeOf(root, path), 'buffer'))
      : await blobId(placeOf(root, path), format, stats.size);
    return hasStamp(root, path, stamp) ? { kind: 'file', mode, id, stamp } : { kind: 'other' };
  } catch (error) {
    if (leadsNowhere(error)) return { kind: 'other' };
    throw unreadable(root, toText(path), (error as Error).message, error);
  }
}

/** Whether what is at a path has not been touched since it had the stamp. */
export function hasStamp(root: string, path: BytePath, stamp: Stamp): boolean {
  const stats = statsAt(root, path);
  return stats !== undefined && stampFrom(stats).id === stamp.id;
}

/** What stands on the way to a path and is no directory: a file, or a link, that nothing goes through. */
export function inTheWay(root: string, path: BytePath): BytePath | undefined {
  for (const way of waysTo(path)) {
    const stats = statsAt(root, way);
    if (stats === undefined) return undefined;
    if (!stats.isDirectory()) return way;
  }
  return undefined;
}

/** The id of a file's content, of any size. One that grows or shrinks meanwhile has another stamp then. */
async function blobId(file: string | Buffer, format: ObjectFormat, size: bigint): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash(format).update(`blob ${size}\0`);
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
