import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Shadow } from '../git/shadow.js';
import type { Snapshot } from '../git/snapshot.js';
import { Disagreement } from '../git/snapshot-memory.js';
import { writeRef } from '../git/ref.js';
import { tidy } from '../git/tidy.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { SentAhead } from './ahead.js';
import type { Conversation } from './conversation.js';
import { landedRef, type Common } from './have.js';
import type { Hello } from './hello.js';
import { land, Unpatched, type Landing } from './land.js';
import { asPack, editsOf, sizeOfSmallest, smallest, type Difference, type Parcel } from './parcel.js';
import type { SyncResult } from './result.js';
import type { Local } from './prepare.js';
import type { SyncRequest } from './request.js';
import { MissingObjects } from './with-pack.js';

/** A sync's result, but for what is known only where the session was opened. */
export type Outcome = Omit<SyncResult, 'sidecar' | 'attempts' | 'warm'>;

/** A conversation that has said hello, a snapshot, and what both sides have. */
export interface Meeting {
  readonly conversation: Conversation;
  readonly there: Hello;
  readonly common: Common;
  readonly local: Local;
  readonly ahead?: SentAhead | undefined;
  readonly tree: WorkingTree;
  /** Rely on nothing that the other side has. */
  readonly whole: boolean;
}

/** Sends the snapshot, has it landed, and says what came of it. */
export async function transfer(request: SyncRequest, meeting: Meeting): Promise<Outcome> {
  const { there, local } = meeting;
  const { shadow, snapshot, landing, snapshotMs } = local;
  const dry = request.dryRun === true;
  const { result, difference, ...sent } = await sendAndLand(request, meeting);
  if (!dry) await remember(shadow, request.sidecar, landing);
  return outcome({
    ...{ there, result, snapshot, dry },
    sentBytes: dry ? await sizeOfSmallest(difference) : sent.sentBytes,
    ms: { ...sent, snapshotMs, endedMs: request.clock.now() },
  });
}

interface Sent {
  readonly result: Landing;
  readonly difference: Difference;
  readonly sentBytes: number;
  readonly startedMs: number;
  readonly receivedMs: number;
}

/** Sends the snapshot and has it landed. In a dry run only trees travel: enough to compare, not to land. */
export async function sendAndLand(
  request: Pick<SyncRequest, 'clock' | 'emit' | 'drift' | 'adopt' | 'dryRun'>,
  { conversation, there, common, local, ahead, tree, whole }: Meeting,
): Promise<Sent> {
  const { shadow, snapshot } = local;
  const { clock, emit } = request;
  const dry = request.dryRun === true;
  const have = whole ? null : common.have;

  emit({ kind: 'sync.phase', phase: 'pack' });
  const startedMs = clock.now();
  const difference: Difference = { local, have, knownRules: whole ? null : there.rules };
  const sendingSinceMs = ahead?.startedMs ?? startedMs;
  let sentBytes = ahead?.bytes ?? 0;
  let receivedMs = startedMs;
  const send = async ({ pack, patch, landing }: Parcel): Promise<Landing> =>
    land(
      conversation,
      {
        mode: dry ? 'dry' : 'land',
        tree: snapshot.tree,
        have,
        landing,
        patch,
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
          emit({ kind: 'sync.phase', phase: dry ? 'compare' : 'land' });
        },
        onWaiting: (holder) => emit({ kind: 'sync.waiting', holder }),
      },
    );
  const result = await sendSomehow(difference, { send, dry });
  await local.stored.catch(missingIfDisagreed);
  for (const path of result.leftAlone) emit({ kind: 'sync.left_alone', path });
  return { result, difference, sentBytes, startedMs, receivedMs };
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

/** As what is soonest there: edits that need not even be stored here, else the fewest bytes that the other side can take. */
async function sendSomehow(
  difference: Difference,
  { send, dry }: { readonly send: (parcel: Parcel) => Promise<Landing>; readonly dry: boolean },
): Promise<Landing> {
  const edits = dry ? undefined : editsOf(difference);
  if (edits !== undefined) return send(edits);
  await difference.local.stored.catch(missingIfDisagreed);
  if (dry) return send(await asPack(difference, { treesOnly: true }));
  return send(await smallest(difference)).catch(async (error: unknown) => {
    if (!(error instanceof Unpatched)) throw error;
    return send(await asPack(difference));
  });
}

/** A snapshot that was read in two ways, with two answers, is taken anew. */
function missingIfDisagreed(cause: unknown): never {
  throw cause instanceof Disagreement ? new MissingObjects(cause.message, { cause }) : cause;
}

/** Keeps the landing from being pruned here: the next sync to this sidecar builds on it. */
async function remember(shadow: Shadow, sidecar: string, landing: string): Promise<void> {
  const ref = landedRef(sidecar);
  const kept = await readFile(path.join(shadow.gitDir, ref), 'utf8').catch(() => '');
  if (kept === `${landing}\n`) return;
  await writeRef(shadow, ref, landing);
  await tidy(shadow);
}
