import { SidecarError } from '../errors.js';
import type { Beside } from './beside.js';
import type { Environment } from './environment.js';
import { Grounds } from './grounds.js';
import type { Listing } from './listing.js';
import { lookedInto } from './looked-into.js';
import type { BytePath } from './path-bytes.js';
import { ruleFiles, usersRuleFiles } from './rule-files.js';
import type { DiskTime } from './tick.js';
import type { WorkingTree } from './working-tree.js';

/** The grounds of a listing; undefined where not all of them can be found, and it cannot be relied on again. */
export async function groundsOf(
  tree: WorkingTree,
  found: {
    readonly listing: Listing;
    readonly beside: Beside;
    readonly excludesFile: string | undefined;
    readonly env: Environment;
    readonly since: DiskTime;
    readonly before: Grounds | undefined;
  },
): Promise<Grounds | undefined> {
  const { listing, beside, excludesFile, env } = found;
  const repositories = [...listing.repositories].filter(([path]) => path !== '' || tree.repository !== undefined);
  const [looked, ofUser, ...ofRepositories] = await Promise.all([
    lookedInto(tree, listing, beside).catch(cannotTell),
    usersRuleFiles(tree.root, env, excludesFile).catch(cannotTell),
    ...repositories.map(async ([, place]) => (place === undefined ? undefined : ruleFiles(place).catch(cannotTell))),
  ]);
  if (looked === undefined || ofUser === undefined) return undefined;
  const files = new Set<BytePath>(ofUser.map(fromText));
  if (tree.repository !== undefined) files.add(fromText(tree.repository.infoExclude));
  for (const some of ofRepositories) {
    if (some === undefined) return undefined;
    for (const file of some) files.add(fromText(file));
  }
  const root = fromText(tree.root) + '/';
  for (const file of beside.ignoreFiles) files.add(root + file);
  for (const directory of looked.passedBy) files.add(`${root}${directory}.gitignore`);
  for (const [directory, entries] of looked.directories) {
    if (entries?.has('.gitignore') === true) files.add(`${root}${directory}.gitignore`);
  }
  return new Grounds(tree.root, { ...found, directories: looked.directories, files });
}

const cannotTell = (error: unknown): undefined => {
  if (!(error instanceof SidecarError)) throw error;
};

const fromText = (text: string): BytePath => Buffer.from(text, 'utf8').toString('latin1');
