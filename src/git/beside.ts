import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import type { SkipReason } from '../events.js';
import type { Listing } from './listing.js';
import { toBytes, type BytePath } from './path-bytes.js';
import type { WorkingTree } from './working-tree.js';

/** What stands in the directories of a working tree that its listing may not tell of. */
export interface Beside {
  /** Every `.gitignore` that git reads, those that rule over others last. */
  readonly ignoreFiles: readonly BytePath[];
  /** FIFOs, sockets and devices that are not in the listing. */
  readonly specials: readonly { readonly path: BytePath; readonly reason: SkipReason }[];
}

/**
 * Looks into every directory that something travels from, and for ignore files also into those right below: a `.gitignore`
 * that is ignored itself does not travel, but its rules are in force, and it may ignore all of the directory it stands in.
 */
export function lookBeside(tree: WorkingTree, listing: Listing): Beside {
  const ignoreFiles = new Set<BytePath>();
  const specials: { path: BytePath; reason: SkipReason }[] = [];
  const at = (path: BytePath): Buffer => Buffer.concat([Buffer.from(tree.root + '/'), toBytes(path)]);
  const directories = directoriesOf(listing);
  for (const directory of directories) {
    for (const entry of entriesOf(at(directory))) {
      const path = directory + entry.name.toString('latin1');
      if (entry.isDirectory()) {
        const inner = path + '/.gitignore';
        if (!directories.has(path + '/') && isFile(at(inner))) ignoreFiles.add(inner);
      } else if (entry.isFile()) {
        if (path === directory + '.gitignore') ignoreFiles.add(path);
      } else if (!entry.isSymbolicLink() && !listing.paths.has(path)) {
        // A tracked path that became one: the snapshot says so itself.
        specials.push({ path, reason: entry.isFIFO() ? 'fifo' : entry.isSocket() ? 'socket' : 'device' });
      }
    }
  }
  const depth = (path: BytePath): number => path.split('/').length;
  return { ignoreFiles: [...ignoreFiles].sort().sort((a, b) => depth(a) - depth(b)), specials };
}

/** Those on the way to what travels, each with a trailing slash; the root is empty. */
function directoriesOf(listing: Listing): Set<BytePath> {
  const directories = new Set<BytePath>(['']);
  for (const path of listing.paths) {
    let end = path.lastIndexOf('/');
    while (end > 0 && !directories.has(path.slice(0, end + 1))) {
      directories.add(path.slice(0, end + 1));
      end = path.lastIndexOf('/', end - 1);
    }
  }
  return directories;
}

/** A thousand directories take longer to wait for one by one than to read. */
function entriesOf(directory: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch {
    return []; // it went, or it cannot be read: the listing tells of that
  }
}

function isFile(path: Buffer): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}
