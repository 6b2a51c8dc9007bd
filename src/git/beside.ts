import { lstatSync } from 'node:fs';
import type { SkipReason } from '../events.js';
import { placeOf, readEntries, type Entries } from './directory.js';
import type { Listing } from './listing.js';
import type { BytePath } from './path-bytes.js';
import type { WorkingTree } from './working-tree.js';

/** What stands in the directories of a working tree that its listing may not tell of. */
export interface Beside {
  /** Every `.gitignore` that git reads, those that rule over others last. */
  readonly ignoreFiles: readonly BytePath[];
  /** FIFOs, sockets and devices that are not in the listing. */
  readonly specials: readonly { readonly path: BytePath; readonly reason: SkipReason }[];
  /** What is in every directory that something travels from, each with a trailing slash (the root is empty). */
  readonly directories: ReadonlyMap<BytePath, Entries | undefined>;
}

/**
 * Looks into every directory that something travels from, and for ignore files also into those right below: a `.gitignore`
 * that is ignored itself does not travel, but its rules are in force, and it may ignore all of the directory it stands in.
 */
export function lookBeside(tree: WorkingTree, listing: Listing): Beside {
  const ignoreFiles = new Set<BytePath>();
  const specials: { path: BytePath; reason: SkipReason }[] = [];
  const travelled = directoriesOf(listing);
  const directories = new Map<BytePath, Entries | undefined>();
  // Each after the one that it stands in, which knows whether it is a directory, and no link to one.
  for (const directory of [...travelled].sort((a, b) => a.length - b.length)) {
    if (directory !== '' && !isIn(directories, directory)) continue;
    const entries = readEntries(placeOf(tree.root, directory));
    directories.set(directory, entries);
    for (const [name, kind] of entries ?? []) {
      const path = directory + name;
      if (kind === 'directory') {
        const inner = path + '/.gitignore';
        if (!travelled.has(path + '/') && isFile(placeOf(tree.root, inner))) ignoreFiles.add(inner);
      } else if (kind === 'file') {
        if (name === '.gitignore') ignoreFiles.add(path);
      } else if (kind !== 'link' && !listing.paths.has(path)) {
        // A tracked path that became one: the snapshot says so itself.
        specials.push({ path, reason: kind });
      }
    }
  }
  const depth = (path: BytePath): number => path.split('/').length;
  return { ignoreFiles: [...ignoreFiles].sort().sort((a, b) => depth(a) - depth(b)), specials, directories };
}

/** Those on the way to what travels, each with a trailing slash; the root is empty. */
function directoriesOf(listing: Listing): Set<BytePath> {
  const directories = new Set<BytePath>(['']);
  for (const path of [...listing.paths, ...listing.sparse.keys()]) {
    let end = path.lastIndexOf('/');
    while (end > 0 && !directories.has(path.slice(0, end + 1))) {
      directories.add(path.slice(0, end + 1));
      end = path.lastIndexOf('/', end - 1);
    }
  }
  return directories;
}

function isIn(directories: Beside['directories'], directory: BytePath): boolean {
  const start = directory.lastIndexOf('/', directory.length - 2) + 1;
  return directories.get(directory.slice(0, start))?.get(directory.slice(start, -1)) === 'directory';
}

function isFile(path: string | Buffer): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}
