import { readdirSync, type Dirent } from 'node:fs';
import { toBytes, type BytePath } from './path-bytes.js';

/** What stands in a directory under a name. Windows junctions count as links. */
export type EntryKind = 'directory' | 'file' | 'link' | 'fifo' | 'socket' | 'device';

export type Entries = ReadonlyMap<BytePath, EntryKind>;

/**
 * The names in a directory, or undefined where it went or cannot be read. A thousand directories take longer to wait for
 * one by one than to read.
 */
export function readEntries(directory: string | Buffer): Entries | undefined {
  try {
    const read = readdirSync(directory, { withFileTypes: true, encoding: 'latin1' });
    return new Map(read.map((entry) => [entry.name, kindOf(entry)]));
  } catch {
    return undefined;
  }
}

/** Equal for directories that hold the same names of the same kinds, in whatever order the disk tells them. */
export function namesAndKinds(entries: Entries): string {
  return [...entries]
    .map(([name, kind]) => `${name}/${kind}`)
    .sort()
    .join('/');
}

/** What `namesAndKinds` tells. */
export function parseNames(names: string): Entries {
  const parts = names === '' ? [] : names.split('/');
  const entries = new Map<BytePath, EntryKind>();
  for (let at = 0; at + 1 < parts.length; at += 2) entries.set(parts[at] ?? '', parts[at + 1] as EntryKind);
  return entries;
}

/** A path of the disk: text where that says the same as bytes, for it is quicker to look at. */
export function placeOf(root: string, path: BytePath): string | Buffer {
  if (/^[\0-\x7f]*$/.test(path)) return path === '' && root !== '' ? root : `${root}/${path}`;
  return Buffer.concat([Buffer.from(root + '/'), toBytes(path)]);
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isFIFO()) return 'fifo';
  return entry.isSocket() ? 'socket' : 'device';
}
