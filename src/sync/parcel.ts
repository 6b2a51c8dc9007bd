import { commitOf, commitTree } from '../git/commit.js';
import { formatOf } from '../git/object-id.js';
import { packOf, writePack, type Pack, type PackRequest } from '../git/pack.js';
import { writePatch } from '../git/patch.js';
import type { Shadow } from '../git/shadow.js';
import { thinPack } from '../git/thin-pack.js';
import type { LandRequest } from './land-request.js';
import type { Local } from './prepare.js';
import { unwritten } from './with-pack.js';

/** What stands here, and what the other side has of it. */
export interface Difference {
  readonly local: Local;
  /** The commit that the other side has, null for none. */
  readonly have: string | null;
  /** The ignore rules that it has. */
  readonly knownRules: string | null;
}

/** What travels: the objects that the other side lacks, if any, and how it is to make the tree of them. */
export interface Parcel extends Pick<LandRequest, 'patch' | 'landing'> {
  readonly pack: Pack | null;
}

/**
 * A few edits since what stands over there, as a pack that no git has to write, before they are stored here; undefined
 * where more has to be sent. The landing's commit goes with it.
 */
export function editsOf({ local, have, knownRules }: Difference): Parcel | undefined {
  const { edited, snapshot, landing } = local;
  if (edited === undefined || have !== commitOf(edited.from, []).id) return undefined;
  if (have === landing || (snapshot.rules !== null && snapshot.rules !== knownRules)) return undefined;
  const pack = thinPack(formatOf(edited.tree), [commitOf(edited.tree, []), ...edited.objects]);
  return { pack: packOf(pack), patch: null, landing };
}

/** The tree as objects. With `treesOnly` file contents are left out: enough to compare, not to land. */
export async function asPack(difference: Difference, how: { readonly treesOnly?: boolean } = {}): Promise<Parcel> {
  return parcel(difference.local.shadow, { ...(await objectsOf(difference)), ...how });
}

/** The tree as a patch, where that takes fewer bytes, else as objects. */
export async function smallest(difference: Difference): Promise<Parcel> {
  return parcel(difference.local.shadow, await smallestOf(difference));
}

/** How many bytes the smallest would have. The pack is written and counted, not sent. */
export async function sizeOfSmallest(difference: Difference): Promise<number> {
  const { pack } = await smallest(difference);
  let bytes = 0;
  for await (const chunk of pack?.stream ?? []) bytes += (chunk as Buffer).length;
  return bytes;
}

interface Contents {
  /** Null where nothing is to be sent. */
  readonly objects: PackRequest | null;
  readonly patch: LandRequest['patch'];
  readonly treesOnly?: boolean;
}

async function parcel(shadow: Shadow, { objects, patch, treesOnly = false }: Contents): Promise<Parcel> {
  const pack = objects === null ? null : await writePack(shadow, { ...objects, treesOnly }).catch(unwritten);
  return { pack, patch, landing: null };
}

async function objectsOf(difference: Difference): Promise<Contents> {
  const { local, have } = difference;
  const { shadow, snapshot, landing } = local;
  const blobs = lackedRules(difference);
  if (have === landing) return { objects: blobs.length === 0 ? null : { commit: landing, blobs, have }, patch: null };
  const commit = have === null ? landing : await onTopOf(have, shadow, snapshot.tree);
  return { objects: { commit, blobs, have }, patch: null };
}

async function smallestOf(difference: Difference): Promise<Contents> {
  const { local, have } = difference;
  const { shadow, snapshot, landing } = local;
  if (have === null || have === landing) return objectsOf(difference);
  // It reads files that a pack can do without, and that somebody's own git may have pruned.
  const patch = await writePatch(shadow, have, snapshot.tree).catch(() => null);
  if (patch === null) return objectsOf(difference);
  const { from, text } = patch;
  const commit = patch.fromIsNew ? await onTopOf(have, shadow, from) : null;
  const blobs = [...lackedRules(difference), text];
  return { objects: { commit, blobs, have, dense: true }, patch: { from, text } };
}

const lackedRules = ({ local: { snapshot }, knownRules }: Difference): string[] =>
  snapshot.rules === null || snapshot.rules === knownRules ? [] : [snapshot.rules];

/** A commit whose parent is what the other side has: git then sends thin deltas. */
const onTopOf = (have: string, shadow: Shadow, tree: string): Promise<string> =>
  commitTree(shadow, tree, [have]).catch(unwritten);
