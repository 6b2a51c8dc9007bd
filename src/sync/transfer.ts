import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { commitId, commitOf, commitTree } from '../git/commit.js';
import { packOf, writePack, type Pack, type PackRequest } from '../git/pack.js';
import type { Shadow } from '../git/shadow.js';
import type { Snapshot } from '../git/snapshot.js';
import { Disagreement } from '../git/snapshot-memory.js';
import { thinPack } from '../git/thin-pack.js';
import { writeRef } from '../git/ref.js';
import { tidy } from '../git/tidy.js';
import type { ObjectFormat, WorkingTree } from '../git/working-tree.js';
import type { SentAhead } from './ahead.js';
import type { Conversation } from './conversation.js';
import { landedRef, type Common } from './have.js';
import type { Hello } from './hello.js';
import { land, MissingObjects, type Landing } from './land.js';
import type { SyncResult } from './result.js';
import type { Local } from './prepare.js';
import type { SyncRequest } from './request.js';

/** A sync's result, but for what is known only where the session was opened. */
export type Outcome = Omit<SyncResult, 'sidecar' | 'attempts' | 'warm'>;

/**
 * Sends the snapshot over a conversation that has said hello, has it landed, and says what came of it. In a dry run only
 * trees travel: enough to compare, not to land.
 */
export async function transfer(
  request: SyncRequest,
  parts: {
    readonly conversation: Conversation;
    readonly there: Hello;
    readonly common: Common;
    readonly local: Local;
    readonly ahead?: SentAhead | undefined;
    readonly tree: WorkingTree;
    /** Rely on nothing that the other side has. */
    readonly whole: boolean;
  },
): Promise<Outcome> {
  const { conversation, there, common, ahead, tree, whole } = parts;
  const { shadow, snapshot, landing, snapshotMs, stored } = parts.local;
  const { clock, emit } = request;
  const dry = request.dryRun === true;
  const have = whole ? null : common.have;

  emit({ kind: 'sync.phase', phase: 'pack' });
  const startedMs = clock.now();
  const edits = dry ? undefined : packOfEdits(parts.local, { have, knownRules: there.rules, format: tree.format });
  if (edits === undefined) await stored.catch(missingIfDisagreed);
  const lacks = { snapshot, landing, have, knownRules: whole ? null : there.rules };
  const needed = edits === undefined ? await whatToSend(shadow, lacks) : null;
  const pack = edits ?? (needed === null ? null : await start(shadow, { ...needed, treesOnly: dry }));
  const sendingSinceMs = ahead?.startedMs ?? startedMs;
  let sentBytes = ahead?.bytes ?? 0;
  let receivedMs = startedMs;
  const result = await land(
    conversation,
    {
      mode: dry ? 'dry' : 'land',
      tree: snapshot.tree,
      have,
      landing: edits === undefined ? null : landing,
      rules: snapshot.rules,
      drift: request.drift ?? 'save',
      adopt: request.adopt === true,
      shared: common.shared,
      origin: shadow.origin,
      head: tree.repository?.head ?? null,
    },
    {
      pack,
      workspace: there.workspace,
      onBytes: (bytes) => {
        sentBytes += bytes;
        emit({ kind: 'sync.sending', bytes: sentBytes, elapsedMs: clock.now() - sendingSinceMs, done: false });
      },
      onReceived: () => {
        receivedMs = clock.now();
        emit({ kind: 'sync.sending', bytes: sentBytes, elapsedMs: receivedMs - sendingSinceMs, done: true });
        emit({ kind: 'sync.phase', phase: 'land' });
      },
      onWaiting: (holder) => emit({ kind: 'sync.waiting', holder }),
    },
  );
  await stored.catch(missingIfDisagreed);
  for (const path of result.leftAlone) emit({ kind: 'sync.left_alone', path });
  if (!dry) await remember(shadow, request.sidecar, landing);
  return outcome({
    there,
    result,
    snapshot,
    sentBytes: dry && needed !== null ? await packSize(shadow, needed) : sentBytes,
    dry,
    ms: { snapshotMs, startedMs, receivedMs, endedMs: clock.now() },
  });
}

function outcome(parts: {
  there: Hello;
  result: Landing;
  snapshot: Snapshot;
  sentBytes: number;
  dry: boolean;
  ms: { snapshotMs: number; startedMs: number; receivedMs: number; endedMs: number };
}): Outcome {
  const { there, result, snapshot, ms } = parts;
  const { added, modified, deleted } = result.changed;
  return {
    workspace: there.workspace,
    base: there.base,
    tree: result.tree,
    verified: !parts.dry,
    upToDate: added + modified + deleted === 0,
    changed: result.changed,
    sentBytes: parts.sentBytes,
    drift: result.drift,
    ms: {
      total: 0,
      snapshot: Math.round(ms.snapshotMs),
      connect: 0,
      transfer: Math.round(ms.receivedMs - ms.startedMs),
      apply: Math.round(ms.endedMs - ms.receivedMs),
    },
    ...(snapshot.skipped.length > 0 ? { skipped: snapshot.skipped } : {}),
    ...(result.leftAlone.length > 0 ? { leftAlone: result.leftAlone } : {}),
    ...(parts.dry ? { dryRun: true as const } : {}),
  };
}

/** The objects that the other side lacks, or null when it lacks none. */
async function whatToSend(
  shadow: Shadow,
  parts: { snapshot: Snapshot; landing: string; have: string | null; knownRules: string | null },
): Promise<PackRequest | null> {
  const { snapshot, landing, have, knownRules } = parts;
  const blobs = snapshot.rules === null || snapshot.rules === knownRules ? [] : [snapshot.rules];
  if (have === landing) return blobs.length === 0 ? null : { commit: landing, blobs, have };
  // A commit whose parent is what the other side has: git then sends thin deltas.
  const commit = have === null ? landing : await commitTree(shadow, snapshot.tree, [have]).catch(missing);
  return { commit, blobs, have };
}

/**
 * A few edits since what stands there, as a pack that no git has to write; undefined where more has to be sent. The
 * landing's commit goes with it.
 */
function packOfEdits(
  { edited, snapshot, landing }: Local,
  there: { readonly have: string | null; readonly knownRules: string | null; readonly format: ObjectFormat },
): Pack | undefined {
  if (edited === undefined || there.have !== commitId(edited.from, [])) return undefined;
  if (there.have === landing || (snapshot.rules !== null && snapshot.rules !== there.knownRules)) return undefined;
  const commit = { type: 'commit', content: commitOf(edited.tree, []) } as const;
  return packOf(thinPack(there.format, [commit, ...edited.objects]));
}

const start = (shadow: Shadow, request: PackRequest): Promise<Pack> => writePack(shadow, request).catch(missing);

/** Somebody's own git may have pruned what a pack is made of, or builds on. */
function missing(cause: unknown): never {
  throw new MissingObjects('the pack could not be written', { cause });
}

/** A snapshot that was read in two ways, with two answers, is taken anew. */
function missingIfDisagreed(cause: unknown): never {
  throw cause instanceof Disagreement ? new MissingObjects(cause.message, { cause }) : cause;
}

/** What a sync would send: the pack is written and counted, not sent. */
async function packSize(shadow: Shadow, request: PackRequest): Promise<number> {
  const { stream } = await writePack(shadow, request);
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Keeps the landing from being pruned here: the next sync to this sidecar builds on it. */
async function remember(shadow: Shadow, sidecar: string, landing: string): Promise<void> {
  const ref = landedRef(sidecar);
  const kept = await readFile(path.join(shadow.gitDir, ref), 'utf8').catch(() => '');
  if (kept === `${landing}\n`) return;
  await writeRef(shadow, ref, landing);
  await tidy(shadow);
}
