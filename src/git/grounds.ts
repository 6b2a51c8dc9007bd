import { lstatSync, statSync } from 'node:fs';
import { namesAndKinds, parseNames, placeOf, readEntries, type Entries, type EntryKind } from './directory.js';
import { stampFrom, type Stamp } from './disk.js';
import { apart, type BytePath } from './path-bytes.js';
import { isSettled, type DiskTime } from './tick.js';

/** Files and links that came and went in the directories of a listing. */
export interface NameChanges {
  readonly appeared: readonly BytePath[];
  readonly gone: readonly BytePath[];
}

/**
 * What a listing was read from: directories, and files of rules. As long as they are as they were, the listing is what git
 * would say again, and nobody has to ask.
 *
 * A stamp counts only where every later change would have made another one, and where it is known to be no younger than
 * the listing: see `isVouched`. Without one, a directory is read again and its names are compared; and the names, too,
 * count only where they are no younger than the listing.
 */
export class Grounds {
  readonly #root: string;
  readonly #directories: Map<BytePath, { seen: string; vouched: boolean; names: string | undefined }>;
  readonly #files: Map<BytePath, { seen: string; vouched: boolean }>;

  /**
   * Notes the grounds of a listing that git began to make at the time `since`. `directories` hold what was found in them
   * after that, and `before` are the grounds of an earlier listing, looked at before that. Files are absolute.
   */
  constructor(
    root: string,
    found: {
      readonly directories: ReadonlyMap<BytePath, Entries | undefined>;
      readonly files: Iterable<BytePath>;
      readonly since: DiskTime;
      readonly before: Grounds | undefined;
    },
  ) {
    const { since, before } = found;
    this.#root = root;
    this.#directories = new Map();
    for (const [directory, entries] of found.directories) {
      const stamp = entries === undefined ? undefined : stampOf(this.#at(directory));
      const vouched = stamp !== undefined && isVouched(stamp, since, before?.seen(directory));
      const names = vouched && entries !== undefined ? namesAndKinds(entries) : undefined;
      this.#directories.set(apart(directory), { seen: stamp?.id ?? '', vouched, names });
    }
    this.#files = new Map();
    for (const file of found.files) {
      const stamp = stampOfRules(file);
      const vouched = stamp !== undefined && isVouched(stamp, since, before?.seen(file));
      this.#files.set(file, { seen: stamp?.id ?? '', vouched });
    }
  }

  /**
   * What of the listing may be another since it was made, or since the last time: files that came and went, by name.
   * Undefined when more has changed than that. `now` was the time before.
   */
  changes(now: DiskTime): NameChanges | undefined {
    const changes = { appeared: [] as BytePath[], gone: [] as BytePath[] };
    let hold = true;
    for (const [directory, known] of this.#directories) {
      const stamp = stampOf(this.#at(directory));
      if (known.vouched && stamp?.id === known.seen) continue;
      const entries = known.names === undefined || stamp === undefined ? undefined : readEntries(this.#at(directory));
      const names = entries === undefined ? undefined : namesAndKinds(entries);
      if (names === undefined || !addChanges(changes, directory, known.names, names)) hold = false;
      known.names = names;
      known.vouched = stamp?.device === now.device && isSettled(stamp, now);
      known.seen = stamp?.id ?? '';
    }
    for (const [file, known] of this.#files) {
      const id = stampOfRules(file)?.id ?? '';
      if (!known.vouched || id !== known.seen) hold = false;
      known.seen = id;
    }
    return hold ? changes : undefined;
  }

  /** The stamp that `changes` saw, last, of a directory (relative, with a slash) or of a file (absolute). */
  seen(path: BytePath): string | undefined {
    return (path.startsWith('/') ? this.#files : this.#directories).get(path)?.seen;
  }

  #at(directory: BytePath): string | Buffer {
    return placeOf(this.#root, directory.slice(0, -1));
  }
}

/**
 * Whether a stamp taken after a listing was there before it. By its time; but a file system may go by another clock than
 * the one that told the time, and then somebody must have seen it before.
 */
function isVouched(stamp: Stamp, since: DiskTime, seenBefore: string | undefined): boolean {
  return isSettled(stamp, since) && (stamp.device === since.device || stamp.id === seenBefore);
}

/**
 * False when something else than a file or a link came or went, or one thing became another. Where names differ in case
 * alone, git may take them for the same.
 */
function addChanges(
  changes: { readonly appeared: BytePath[]; readonly gone: BytePath[] },
  directory: BytePath,
  before: string | undefined,
  after: string,
): boolean {
  if (before === undefined) return false;
  if (before === after) return true;
  const [old, young] = [parseNames(before), parseNames(after)];
  const differing = (some: Entries, others: Entries): [BytePath, EntryKind][] =>
    [...some].filter(([name]) => !others.has(name));
  const [came, went] = [differing(young, old), differing(old, young)];
  changes.appeared.push(...came.map(([name]) => directory + name));
  changes.gone.push(...went.map(([name]) => directory + name));
  const plain = [...came, ...went].every(([, kind]) => kind === 'file' || kind === 'link');
  const spellings = new Set([...old.keys(), ...young.keys()]);
  if (new Set([...spellings].map((name) => name.toLowerCase())).size < spellings.size) return false;
  return plain && [...young].every(([name, kind]) => !old.has(name) || old.get(name) === kind);
}

/** Undefined for what is no directory. */
function stampOf(directory: string | Buffer): Stamp | undefined {
  try {
    const stats = lstatSync(directory, { bigint: true, throwIfNoEntry: false });
    return stats?.isDirectory() === true ? stampFrom(stats) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Of a file and, where it is a link, of what it leads to. One that is not there is as old as the directory that it would
 * stand in. Undefined where nothing can be seen.
 */
function stampOfRules(file: BytePath): Stamp | undefined {
  const place = placeOf('', file.slice(1));
  try {
    const own = lstatSync(place, { bigint: true, throwIfNoEntry: false });
    if (own === undefined) return stampOfAbsent(file);
    // The names in it change all the time. Those that matter are grounds of their own.
    if (own.isDirectory()) return { id: 'directory', device: own.dev, changedMs: 0 };
    const stamp = stampFrom(own);
    if (!own.isSymbolicLink()) return stamp;
    const led = stampFrom(statSync(place, { bigint: true }));
    const changedMs = Math.max(stamp.changedMs, led.changedMs);
    return { id: `${stamp.id} ${led.id}`, device: led.device, changedMs };
  } catch {
    return undefined;
  }
}

function stampOfAbsent(file: BytePath): Stamp | undefined {
  for (let directory = file; directory.length > 1;) {
    directory = directory.slice(0, Math.max(1, directory.lastIndexOf('/')));
    const stats = statSync(placeOf('', directory.slice(1)), { bigint: true, throwIfNoEntry: false });
    if (stats !== undefined) return { id: 'absent', device: stats.dev, changedMs: stampFrom(stats).changedMs };
  }
  return undefined;
}
