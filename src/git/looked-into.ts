import type { Beside } from './beside.js';
import { placeOf, readEntries, type Entries } from './directory.js';
import { ignoredIn } from './ignored.js';
import type { Listing } from './listing.js';
import type { BytePath } from './path-bytes.js';
import type { SendRules } from './send-rules.js';
import type { WorkingTree } from './working-tree.js';

/** The directories that a listing hangs on, each with a trailing slash (the root is empty). */
export interface LookedInto {
  /** Those that git goes into, also where nothing travels from them. */
  readonly directories: ReadonlyMap<BytePath, Entries | undefined>;
  /** Those right below that it passes by: they are ignored, and what appears in them does not matter. */
  readonly passedBy: readonly BytePath[];
}

/**
 * Finds out which directories git looks into to list a working tree: all but those that are ignored. A file may appear in
 * any of them, also in one that is empty now. Undefined where git cannot tell.
 */
export async function lookedInto(
  tree: WorkingTree,
  {
    listing,
    beside,
    rules,
  }: { readonly listing: Listing; readonly beside: Beside; readonly rules?: SendRules | undefined },
): Promise<LookedInto | undefined> {
  const directories = new Map(beside.directories);
  const passedBy: BytePath[] = [];
  const known = new Set([...listing.nested, ...listing.absentSubmodules]);
  const opened = new Set(listing.opened);
  const absent = new Set(listing.absentSubmodules);
  let border = [...directories].flatMap(([directory, entries]) => inside(directory, entries));
  while (border.length > 0) {
    const unknown = border.filter((one) => !directories.has(one));
    const ruled = new Map(unknown.map((one) => [one, rules?.verdict(one)?.kind]));
    const isDecided = (one: BytePath): boolean => known.has(one) || opened.has(one) || ruled.get(one) !== undefined;
    const ignored = await ignoredOf(
      unknown.filter((one) => !isDecided(one)),
      listing.repositories,
    );
    if (ignored === undefined) return undefined;
    border = [];
    for (const directory of unknown) {
      if (ignored.has(directory) || ruled.get(directory) === 'ignored') {
        passedBy.push(directory);
        continue;
      }
      const entries = readEntries(placeOf(tree.root, directory));
      directories.set(directory, entries);
      // Of a submodule that is not checked out nothing is listed.
      if (!absent.has(directory)) border.push(...inside(directory, entries));
    }
  }
  return { directories, passedBy };
}

function inside(directory: BytePath, entries: Entries | undefined): BytePath[] {
  return [...(entries ?? [])]
    .filter(([name, kind]) => kind === 'directory' && name.toLowerCase() !== '.git')
    .map(([name]) => `${directory}${name}/`);
}

async function ignoredOf(
  directories: readonly BytePath[],
  repositories: Listing['repositories'],
): Promise<Set<BytePath> | undefined> {
  const groups = new Map<BytePath, BytePath[]>();
  for (const directory of directories) {
    const repository = repositoryOf(directory, repositories);
    const group = groups.get(repository);
    if (group === undefined) groups.set(repository, [directory]);
    else group.push(directory);
  }
  const ignored = new Set<BytePath>();
  for (const [repository, group] of groups) {
    const place = repositories.get(repository);
    if (place === undefined) return undefined;
    const answer = await ignoredIn(
      place,
      group.map((directory) => directory.slice(repository.length, -1)),
    );
    if (!answer.complete) return undefined;
    for (const one of answer.ignored) ignored.add(`${repository}${one}/`);
  }
  return ignored;
}

function repositoryOf(directory: BytePath, repositories: Listing['repositories']): BytePath {
  for (let end = directory.length - 1; end > 0; end = directory.lastIndexOf('/', end - 1)) {
    const prefix = directory.slice(0, end + 1);
    if (repositories.has(prefix)) return prefix;
  }
  return '';
}
