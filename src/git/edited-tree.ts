import { constants } from 'node:fs';
import { open, readlink } from 'node:fs/promises';
import { placeOf } from './directory.js';
import { Disk, stampFrom, type Stamp } from './disk.js';
import { idBytes, objectId, type GitObject, type ObjectType } from './object-id.js';
import type { ObjectReader } from './object-reader.js';
import type { BytePath } from './path-bytes.js';
import { isSettled, type DiskTime } from './tick.js';
import type { ObjectFormat } from './working-tree.js';

/** A tree that differs from another one in the contents of some files. */
export interface EditedTree {
  readonly tree: string;
  /** The tree that it was made from. */
  readonly from: string;
  /** What of it the other tree does not hold. */
  readonly objects: readonly EditedObject[];
}

export interface EditedObject extends GitObject {
  /** What stood in its place. The content is undefined where that is too large to compare with. */
  readonly before: { readonly id: string; readonly content: Buffer | undefined };
}

/** More than this is git's to read, and worth its time. Sizes are in bytes; an `ObjectReader` for this needs no more. */
const mostEdits = 100;
export const largestEdited = 1024 * 1024;
const largestInAll = 8 * 1024 * 1024;

/**
 * The tree `from` with the contents that these files have now, worked out beside git's own reading of them, which takes
 * several programs one after the other. What comes of it is a forecast for whoever has the same files read into the
 * index, and compares. Every file stood whole on the disk.
 *
 * Undefined for more than a few small files, for any that changed too short a time ago, or while it was read, and for
 * anything but new contents of a path which that tree has for a file.
 */
export async function editedTree(
  from: string,
  files: ReadonlyMap<BytePath, Stamp>,
  options: {
    readonly root: string;
    readonly format: ObjectFormat;
    readonly objects: ObjectReader;
    /** Before anything was compared. */
    readonly now: DiskTime;
  },
): Promise<EditedTree | undefined> {
  if (files.size > mostEdits) return undefined;
  const { root, format, objects, now } = options;
  const editing = new Editing(format, objects);
  const disk = new Disk(root);
  let bytes = 0;
  const found: Found[] = [];
  for (const [path, stamp] of files) {
    if (stamp.device !== now.device || !isSettled(stamp, now)) return undefined;
    const file = await readWhole(placeOf(root, path), stamp);
    if (disk.stampOf(path)?.id !== stamp.id) return undefined;
    bytes += file?.content.length ?? 0;
    if (file === undefined || bytes > largestInAll) return undefined;
    found.push({ path, ...file });
  }
  const tree = await editing.edit(from, '', found);
  return tree === undefined ? undefined : { tree, from, objects: editing.objects };
}

interface Found {
  readonly path: BytePath;
  /** As a tree has it. */
  readonly mode: string;
  readonly content: Buffer;
}

class Editing {
  readonly #made = new Map<string, EditedObject>();

  constructor(
    private readonly format: ObjectFormat,
    private readonly reader: ObjectReader,
  ) {}

  /** git takes no pack in which an object is built on another one of it that is there already. */
  get objects(): EditedObject[] {
    return [...this.#made.values()].map((object) => {
      const { id } = object.before;
      return this.#made.has(id) ? { ...object, before: { id, content: undefined } } : object;
    });
  }

  /** The id of the tree `id` at `place`, with these files in it. */
  async edit(id: string, place: BytePath, files: readonly Found[]): Promise<string | undefined> {
    const content = (await this.reader.read(id))?.content;
    if (content === undefined) return undefined;
    const edited = Buffer.from(content);
    const groups = byName(place, files);
    const entries = entriesOf(content, groups, this.format);
    for (const [name, inside] of groups) {
      const entry = entries.get(name);
      const [file] = inside;
      if (entry === undefined || file === undefined) return undefined;
      const isFile = file.path === place + name;
      if (isFile ? !fileModes.has(entry.mode) : entry.mode !== treeMode) return undefined;
      const next = isFile ? await this.#blob(entry.id, file) : await this.edit(entry.id, `${place}${name}/`, inside);
      if (next === undefined) return undefined;
      // An entry is as long as it was: every mode of a file has six digits.
      if (isFile) edited.write(file.mode, entry.at, 'latin1');
      edited.write(next, entry.idAt, 'hex');
    }
    return this.#make('tree', edited, { id, content });
  }

  async #blob(before: string, { content }: Found): Promise<string> {
    if (objectId(this.format, 'blob', content) === before) return before;
    const was = await this.reader.read(before);
    return this.#make('blob', content, { id: before, content: was?.content });
  }

  #make(type: ObjectType, content: Buffer, before: EditedObject['before']): string {
    const id = objectId(this.format, type, content);
    if (id !== before.id) this.#made.set(id, { type, id, content, before });
    return id;
  }
}

const treeMode = '40000';
const linkMode = '120000';
const fileModes: ReadonlySet<string> = new Set(['100644', '100755', linkMode]);

/** By the name that comes after `place`. */
function byName(place: BytePath, files: readonly Found[]): Map<BytePath, Found[]> {
  const groups = new Map<BytePath, Found[]>();
  for (const file of files) {
    const slash = file.path.indexOf('/', place.length);
    const name = file.path.slice(place.length, slash < 0 ? undefined : slash);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}

interface Entry {
  readonly mode: string;
  readonly id: string;
  /** Where in the tree object it begins, and where its id does. */
  readonly at: number;
  readonly idAt: number;
}

/** The entries of these names in a tree object: `<mode> <name>`, a zero byte, the id in binary, and so on. */
function entriesOf(tree: Buffer, names: ReadonlyMap<BytePath, unknown>, format: ObjectFormat): Map<BytePath, Entry> {
  const found = new Map<BytePath, Entry>();
  const length = idBytes[format];
  for (let at = 0; at < tree.length;) {
    const space = tree.indexOf(0x20, at);
    const zero = tree.indexOf(0, space);
    if (space < 0 || zero < 0) break;
    const idAt = zero + 1;
    const name = tree.toString('latin1', space + 1, zero);
    const mode = tree.toString('latin1', at, space);
    if (names.has(name)) found.set(name, { mode, id: tree.toString('hex', idAt, idAt + length), at, idAt });
    at = idAt + length;
  }
  return found;
}

/** A file, or a link. The stamp is what it had before; whether it still has it, the caller sees to. */
async function readWhole(place: string | Buffer, stamp: Stamp): Promise<Omit<Found, 'path'> | undefined> {
  return readFile(place, stamp).catch((error: unknown) =>
    (error as NodeJS.ErrnoException).code === 'ELOOP' ? readLink(place).catch(() => undefined) : undefined,
  );
}

async function readLink(place: string | Buffer): Promise<Omit<Found, 'path'>> {
  return { mode: linkMode, content: await readlink(place, { encoding: 'buffer' }) };
}

async function readFile(place: string | Buffer, stamp: Stamp): Promise<Omit<Found, 'path'> | undefined> {
  const handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stats = await handle.stat({ bigint: true });
    if (stampFrom(stats).id !== stamp.id || stats.size > largestEdited) return undefined;
    const size = Number(stats.size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
    if (bytesRead !== size) return undefined;
    // As git does: only the owner's bit counts.
    return { mode: (stats.mode & 0o100n) === 0n ? '100644' : '100755', content: buffer };
  } finally {
    await handle.close();
  }
}
