import { SidecarError } from '../errors.js';
import type { Beside } from './beside.js';
import type { Environment } from './environment.js';
import { Grounds } from './grounds.js';
import type { Listing } from './listing.js';
import { lookedInto } from './looked-into.js';
import type { BytePath } from './path-bytes.js';
import { ruleFiles, usersRuleFiles } from './rule-files.js';
import type { SendRules } from './send-rules.js';
import type { DiskTime } from './tick.js';
import type { WorkingTree } from './working-tree.js';

/** The grounds of a listing; undefined where not all of them can be found, and it cannot be relied on again. */
export async function groundsOf(
  tree: WorkingTree,
  found: {
    readonly listing: Listing;
    readonly beside: Beside;
    readonly excludesFile: string | undefined;
    readonly rules?: SendRules | undefined;
    readonly env: Environment;
    readonly since: DiskTime;
    readonly before: Grounds | undefined;
  },
): Promise<Grounds | undefined> {
  const { beside } = found;
  const [looked, ruling] = await Promise.all([
    lookedInto(tree, found).catch(cannotTell),
    rulesOf(tree, found).catch(cannotTell),
  ]);
  if (looked === undefined || ruling === undefined) return undefined;
  const files = new Set<BytePath>(ruling.map(fromText));
  const root = fromText(tree.root) + '/';
  for (const file of beside.ignoreFiles) files.add(root + file);
  for (const directory of looked.passedBy) files.add(`${root}${directory}.gitignore`);
  for (const [directory, entries] of looked.directories) {
    if (entries?.has('.gitignore') === true) files.add(`${root}${directory}.gitignore`);
  }
  return new Grounds(tree.root, { ...found, directories: looked.directories, files });
}

/** The files of rules and settings: the user's, and each repository's. One git at a time: others run beside it. */
async function rulesOf(
  tree: WorkingTree,
  found: { readonly listing: Listing; readonly excludesFile: string | undefined; readonly env: Environment },
): Promise<string[] | undefined> {
  const files = await usersRuleFiles(tree.root, found.env, found.excludesFile);
  if (tree.repository === undefined) return files;
  files?.push(tree.repository.infoExclude);
  for (const place of found.listing.repositories.values()) {
    const own = place === undefined ? undefined : await ruleFiles(place);
    if (own === undefined) return undefined;
    files?.push(...own);
  }
  return files;
}

const cannotTell = (error: unknown): undefined => {
  if (!(error instanceof SidecarError)) throw error;
};

const fromText = (text: string): BytePath => Buffer.from(text, 'utf8').toString('latin1');
