import { SidecarError } from '../errors.js';
import { badReply, unexpected } from '../sync/hello.js';
import { listLimit } from '../sync/limits.js';
import type { SyncRequest } from '../sync/request.js';
import { Changes, type Change } from './changes.js';
import { fetchedPlace, fetchObjects, withFetched } from './fetched.js';
import { hear } from './hear.js';
import { idsOf } from './diff.js';
import { Patch } from './patch.js';
import { visit, type Visit } from './visit.js';

/** Drift that a landing saved before it overwrote it. */
export interface SavedDrift {
  readonly id: string;
  /** When it was saved, by the clock over there (ISO 8601). */
  readonly at: string;
  /** How many paths differ from the landing that it drifted from; null where that cannot be told over there. */
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number } | null;
}

export interface DriftList {
  readonly sidecar: string;
  readonly workspace: string;
  /** The latest first. */
  readonly drift: readonly SavedDrift[];
}

/** Lists what earlier landings saved. */
export async function listDrift(request: SyncRequest): Promise<DriftList> {
  const { result, ...where } = await visit(request, (visited) => saved(request, visited));
  return { ...where, drift: result };
}

/**
 * Fetches drift, the latest unless one is named, and hands the patch to `use` that makes it of the landing that it
 * drifted from. Throws `drift.unknown`.
 */
export async function showDrift<T>(
  request: SyncRequest,
  wanted: string | undefined,
  use: (drift: Omit<DriftList, 'drift'> & SavedDrift & { readonly patch: Patch }) => Promise<T>,
): Promise<T> {
  return withFetched(request.stateDir, async (directory) => {
    const { result, ...where } = await visit(request, async (visited) => {
      const { conversation, shadow, there } = visited;
      const one = choose(await saved(request, visited), wanted, there.workspace);
      const changes = await changesOf(request, visited, one.id);
      const place = await fetchedPlace(shadow, directory);
      await fetchObjects(conversation, { workspace: there.workspace, emit: request.emit }, place, idsOf(changes));
      return { ...one, patch: await Patch.of(place, directory, changes) };
    });
    return use({ ...where, ...result });
  });
}

/** Deletes drift for good: the ones that are named, or all. Throws `drift.unknown`, and then deletes none. */
export async function dropDrift(
  request: SyncRequest,
  wanted: readonly string[] | 'all',
): Promise<Omit<DriftList, 'drift'> & { readonly dropped: readonly string[] }> {
  // Asked again after a connection was lost, the first of them may be gone already.
  let ids: readonly string[] | undefined;
  const { result, ...where } = await visit(request, async (visited) => {
    const { conversation, there } = visited;
    const { workspace } = there;
    const known = await saved(request, visited);
    ids ??= wanted === 'all' ? known.map(({ id }) => id) : wanted.map((one) => choose(known, one, workspace).id);
    const left = [...new Set(ids)].filter((id) => known.some((one) => one.id === id));
    if (left.length > 0) {
      conversation.ask(`drop ${left.join(' ')}`);
      await hear(conversation, { workspace, emit: request.emit }, { dropped: () => undefined });
    }
    return [...new Set(ids)];
  });
  return { ...where, dropped: result };
}

/** What a string of this form takes in memory, about, in bytes. */
const savedBytes = 400;

/** Asks what is saved, the latest first. What has no id of ours is nobody's. */
export async function saved(request: SyncRequest, { conversation, there }: Visit): Promise<SavedDrift[]> {
  conversation.ask('drift');
  const list: SavedDrift[] = [];
  const { workspace } = there;
  await hear(
    conversation,
    { workspace, emit: request.emit },
    {
      saved: (answer) => {
        const [, id = '', ...counts] = /^(\S+) (-|\d{1,15}) (-|\d{1,15}) (-|\d{1,15})$/.exec(answer.rest) ?? [];
        if (id === '') throw unexpected(answer);
        const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}$/.exec(id);
        if (time === null) return;
        const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = time;
        const [added = 0, modified = 0, deleted = 0] = counts.map(Number);
        list.push({
          id,
          at: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`,
          changed: counts.includes('-') ? null : { added, modified, deleted },
        });
        if (list.length * savedBytes > listLimit) throw badReply('saved drift without end');
      },
    },
  );
  return list.sort((one, other) => (one.id < other.id ? 1 : -1));
}

/** From the landing that it drifted from to the drift. */
export async function changesOf(
  request: SyncRequest,
  { conversation, there }: Visit,
  id: string,
): Promise<readonly Change[]> {
  conversation.ask(`drift ${id}`);
  const changes = new Changes();
  const { workspace } = there;
  await hear(conversation, { workspace, emit: request.emit }, { change: (answer) => changes.add(answer) });
  return changes.list;
}

/**
 * The drift that is meant: the latest, or the one whose id, or what follows its time, begins so. Throws `drift.unknown`
 * where that is none, or more than one.
 */
export function choose(known: readonly SavedDrift[], wanted: string | undefined, workspace: string): SavedDrift {
  const ids = known.map(({ id }) => id);
  const meant = wanted === undefined ? known.slice(0, 1) : known.filter(({ id }) => isMeant(id, wanted));
  const [one] = meant;
  if (one !== undefined && (meant.length === 1 || one.id === wanted)) return one;
  const facts = { workspace, known: meant.length > 1 ? meant.map(({ id }) => id) : ids, matches: meant.length };
  throw new SidecarError('drift.unknown', wanted === undefined ? facts : { ...facts, id: wanted });
}

const isMeant = (id: string, wanted: string): boolean =>
  wanted !== '' && (id.startsWith(wanted) || id.slice(id.indexOf('-') + 1).startsWith(wanted));
