import { readdirSync, type Dirent } from 'node:fs';
import type { SkipReason } from '../events.js';
import { readingOnly, type Environment } from './environment.js';
import type { Listing } from './listing.js';
import { joinNul, splitNul, toBytes, type BytePath } from './path-bytes.js';
import { runGit } from './run.js';
import type { WorkingTree } from './working-tree.js';

/**
 * FIFOs, sockets and devices beside the files that travel. git passes over them in silence; a user should hear of it,
 * except of those that are ignored.
 */
export async function findSpecialFiles(
  tree: WorkingTree,
  listing: Listing,
  options: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly path: BytePath; readonly reason: SkipReason }[]> {
  const found: { path: BytePath; reason: SkipReason }[] = [];
  for (const directory of directoriesOf(listing)) {
    const name = Buffer.concat([Buffer.from(tree.root + '/'), toBytes(directory)]);
    for (const entry of entriesOf(name)) {
      if (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) continue;
      const path = directory + entry.name.toString('latin1');
      if (listing.paths.has(path)) continue; // a tracked path that became one: the snapshot says so itself
      found.push({ path, reason: entry.isFIFO() ? 'fifo' : entry.isSocket() ? 'socket' : 'device' });
    }
  }
  if (found.length === 0 || tree.repository === undefined) return found;
  const place = { cwd: tree.root, env: readingOnly(options.env), signal: options.signal };
  const stdin = joinNul(found.map((one) => one.path));
  const ignored = await runGit(place, ['check-ignore', '-z', '--stdin'], { stdin, accept: [0, 1, 128] });
  const names = new Set(splitNul(ignored.stdout));
  return found.filter((one) => !names.has(one.path));
}

/** A thousand directories take longer to wait for one by one than to read. */
function entriesOf(directory: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch {
    return []; // it went, or it cannot be read: the listing tells of that
  }
}

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
