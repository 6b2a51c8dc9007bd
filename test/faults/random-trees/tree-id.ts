import { createHash } from 'node:crypto';
import type { Entries, Entry } from './tree.js';

export type Format = 'sha1' | 'sha256';

/** The id of a file's content, as git counts it. */
export const blobId = (entry: Entry, format: Format): string => objectId('blob', entry.content, format);

export const modeOf = ({ kind }: Entry): string => ({ file: '100644', exec: '100755', link: '120000' })[kind];

/** The id of a tree of raw bytes, worked out without git. */
export function treeId(entries: Entries, format: Format): string {
  const directories = new Map<string, Map<string, Entry>>();
  const rows: { sort: Buffer; mode: string; name: string; id: string }[] = [];
  for (const [path, entry] of entries) {
    const slash = path.indexOf('/');
    if (slash < 0) {
      rows.push({ sort: bytes(path), mode: modeOf(entry), name: path, id: blobId(entry, format) });
    } else {
      const name = path.slice(0, slash);
      const inside = directories.get(name) ?? new Map<string, Entry>();
      directories.set(name, inside.set(path.slice(slash + 1), entry));
    }
  }
  for (const [name, inside] of directories) {
    // A directory is sorted as if its name ended in a slash.
    rows.push({ sort: bytes(name + '/'), mode: '40000', name, id: treeId(inside, format) });
  }
  rows.sort((a, b) => Buffer.compare(a.sort, b.sort));
  const parts = rows.flatMap((row) => [bytes(`${row.mode} ${row.name}\0`), Buffer.from(row.id, 'hex')]);
  return objectId('tree', Buffer.concat(parts), format);
}

function objectId(type: string, content: Buffer, format: Format): string {
  return createHash(format).update(`${type} ${content.length}\0`).update(content).digest('hex');
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
