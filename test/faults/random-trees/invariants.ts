import { expect } from 'vitest';
import { toText } from '../../../src/git/path-bytes.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { ignoredBy, ignoreFiles } from './git-says.js';
import type { SavedDrift } from './saved-drift.js';
import type { Seen } from './stage.js';
import { treeId, type Format } from './tree-id.js';
import { same, type Entries, type Entry, type Tree } from './tree.js';

/** Both sides around one sync. */
export interface Moment {
  readonly format: Format;
  readonly here: Tree;
  readonly seen: Seen;
  readonly there: Tree;
  /** What landed last, and everything in the workspace before and after this sync. */
  readonly landed: Entries;
  readonly before: Entries;
  readonly after: Entries;
  /** Ignore files that stood in the workspace could un-ignore what ours ignore. */
  readonly unignores: boolean;
  /** The sidecar's own repositories in the workspace. */
  readonly ownRepositories: readonly string[];
  readonly result: SyncResult;
  readonly saved: SavedDrift;
}

/** Whatever was changed on either side, this holds after a sync. */
export function expectNothingLost(moment: Moment): void {
  workspaceIsTheSnapshot(moment);
  treeIsWhatAnyoneCanCompute(moment);
  whatStaysIsUntouched(moment);
  driftCanBeRestored(moment);
  driftIsListed(moment);
  whatIsTheSameIsNotWrittenAgain(moment);
}

export function workspaceIsTheSnapshot(
  moment: Pick<Moment, 'seen' | 'here' | 'there' | 'after' | 'ownRepositories'>,
): void {
  const { seen, here, there, after, ownRepositories } = moment;
  const unlike = [...seen.entries].filter(([path, entry]) => !same(after.get(path), entry)).map(([path]) => path);
  expect(unlike, 'files of the snapshot that are not in the workspace as they are here').toEqual([]);
  const alone = ownRepositories.filter((directory) => isLeftAlone(directory, seen.entries));
  const besides = [...after].flatMap(([path, entry]) =>
    seen.entries.has(path) || isBelow(path, alone) || isUntakable(path, entry) ? [] : [path],
  );
  // Over there, where a nested repository is a directory like others, the rules around it apply in it too.
  const flat = { nested: [], absent: [] };
  const asked = [
    () => ignoredBy(here, seen, besides),
    () => ignoredBy(here, flat, besides),
    () => ignoredBy(there, flat, besides),
  ];
  const extra = asked.reduce((rest, ask) => {
    const ignored = rest.length === 0 ? new Set<string>() : ask();
    return rest.filter((path) => !ignored.has(path));
  }, besides);
  expect(extra, 'files of the workspace that are not in the snapshot and that nobody ignores').toEqual([]);
}

export function treeIsWhatAnyoneCanCompute(moment: Pick<Moment, 'seen' | 'result' | 'format'>): void {
  const { seen, result, format } = moment;
  expect(result.tree, 'the id of the tree, worked out without git').toBe(treeId(seen.entries, format));
}

function whatStaysIsUntouched(moment: Moment): void {
  const { seen, here, landed, before, after, unignores, ownRepositories } = moment;
  const candidates = [...before.keys()].filter(
    (path) => !seen.entries.has(path) && !landed.has(path) && !isObstacle(path, seen.entries),
  );
  const alone = ownRepositories.filter(
    (directory) => isLeftAlone(directory, landed) && isLeftAlone(directory, seen.entries),
  );
  const travelling = ignoreFiles(here).filter((path) => seen.entries.has(path));
  const surely = unignores ? [] : [...ignoredBy(here, seen, candidates)];
  const ignored = ignoredBy(here, seen, surely, travelling);
  const gone = candidates.filter((path) => (ignored.has(path) || isBelow(path, alone)) && !after.has(path));
  expect(gone, 'ignored files of the sidecar that stood in nobody’s way and are gone').toEqual([]);
  const touched = [...after].filter(([path, entry]) => !seen.entries.has(path) && !untouched(entry, before.get(path)));
  expect(
    touched.map(([path]) => path),
    'files of the sidecar that stayed, but not as they were',
  ).toEqual([]);
}

/** What came from nobody here, and stands there no more. */
function overwritten({ seen, landed, before, after }: Moment): Map<string, Entry> {
  return new Map(
    [...before].filter(
      ([path, entry]) =>
        !same(entry, landed.get(path)) && !same(entry, seen.entries.get(path)) && !same(entry, after.get(path)),
    ),
  );
}

function driftCanBeRestored(moment: Moment): void {
  const drift = overwritten(moment);
  if (drift.size === 0) return;
  const { id } = moment.result.drift ?? {};
  expect(typeof id, `there is saved drift, for ${JSON.stringify([...drift.keys()])}`).toBe('string');
  const missing = moment.saved.missing(id ?? '', drift, moment.format);
  expect(missing, 'drifted files that cannot be restored from what was saved').toEqual([]);
}

function driftIsListed(moment: Moment): void {
  const { seen, landed, before, result } = moment;
  const { added = [], modified = [], deleted = [] } = result.drift ?? {};
  const letters = new Map<string, string>();
  for (const path of new Set([...landed.keys(), ...before.keys()])) {
    const [expected, stood, next] = [landed.get(path), before.get(path), seen.entries.get(path)];
    if (same(stood, expected) || same(stood, next)) continue;
    if (stood !== undefined && isUntakable(path, stood)) continue;
    letters.set(toText(path), stood === undefined ? 'deleted' : expected === undefined ? 'added' : 'modified');
  }
  const reported = [
    ...added.map((path) => `${path} added`),
    ...modified.map((path) => `${path} modified`),
    ...deleted.map((path) => `${path} deleted`),
  ];
  const all = [...letters].map(([path, letter]) => `${path} ${letter}`);
  expect(
    reported.filter((line) => !all.includes(line)),
    'listed as drift, but it is none',
  ).toEqual([]);
  const gone = new Set([...overwritten(moment).keys()].map(toText));
  const needed = all.filter((line) => line.endsWith(' deleted') || gone.has(line.slice(0, line.lastIndexOf(' '))));
  expect(
    needed.filter((line) => !reported.includes(line)),
    'drift that is not listed',
  ).toEqual([]);
}

function whatIsTheSameIsNotWrittenAgain({ seen, before, after }: Moment): void {
  const rewritten = [...seen.entries.keys()].filter((path) => {
    const [stood, stands] = [before.get(path), after.get(path)];
    return stood !== undefined && stands !== undefined && same(stood, stands) && !untouched(stands, stood);
  });
  expect(rewritten, 'files that were written again though they were the same').toEqual([]);
}

const untouched = (entry: Entry, before: Entry | undefined): boolean =>
  before !== undefined && same(entry, before) && entry.mode === before.mode && entry.mtimeNs === before.mtimeNs;

/** Where the tree puts a file at the path, on the way to it, or below it. */
export function isObstacle(path: string, tree: Entries): boolean {
  return isBlocked(path, tree) || [...tree.keys()].some((one) => one.startsWith(path + '/'));
}

/** Where the tree puts a file at the path or on the way to it. */
export const isBlocked = (path: string, tree: Entries): boolean =>
  path.split('/').some((_, index, parts) => tree.has(parts.slice(0, index + 1).join('/')));

/** git takes no link of this name, and so such a link is nobody's. */
export const isUntakable = (path: string, { kind }: Entry): boolean =>
  kind === 'link' && /(^|\/)\.gitmodules$/i.test(path);

const isLeftAlone = (directory: string, tree: Entries): boolean => !isObstacle(directory, tree);

const isBelow = (path: string, directories: readonly string[]): boolean =>
  directories.some((directory) => path.startsWith(directory + '/'));
