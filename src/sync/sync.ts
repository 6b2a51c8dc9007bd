import path from 'node:path';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Environment } from '../git/environment.js';
import { commitTree, writePack, type Pack } from '../git/pack.js';
import { runGit } from '../git/run.js';
import { openShadow, type Shadow } from '../git/shadow.js';
import { tidy } from '../git/tidy.js';
import { takeSnapshot, type Snapshot } from '../git/snapshot.js';
import { findWorkingTree, type WorkingTree } from '../git/working-tree.js';
import { withLock } from '../sidecars/lock.js';
import { makePrivateDirectory } from '../sidecars/private-files.js';
import type { Transport } from '../transport/transport.js';
import { Conversation } from './conversation.js';
import { findCommon, type Common } from './have.js';
import { hello, type Hello } from './hello.js';
import { land, MissingObjects, type Landing } from './land.js';
import type { SyncResult } from './result.js';
import { workspacePath } from './workspace.js';

/** An open session, and what it took to open it. */
export interface OpenSession {
  readonly transport: Transport;
  readonly attempts: number;
  readonly elapsedMs: number;
  /** It was open before. */
  readonly warm?: boolean;
}

export interface SyncRequest {
  /** Any directory inside the working tree. */
  readonly directory: string;
  /** The sidecar's name. */
  readonly sidecar: string;
  /** The workspace on the sidecar; `~/<name of the local directory>` unless given. */
  readonly workdir?: string;
  /** Opens the session. The transport is closed when the sync ends. */
  readonly open: (signal: AbortSignal) => Promise<OpenSession>;
  readonly stateDir: string;
  readonly env: Environment;
  /** What to do about drift: save it and go on, or refuse (the default is to save). */
  readonly drift?: 'save' | 'refuse';
  /** Land in a directory that holds something else. What is there is saved as drift. */
  readonly adopt?: boolean;
  /** Say what would change, and change nothing in the workspace. */
  readonly dryRun?: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/**
 * Lands the working tree on a sidecar, exactly, and has it proved.
 *
 * The snapshot is taken while the session opens. It may be repeated at any point: a sync that was cut off anywhere is
 * finished by the next one.
 *
 * Throws what `open` throws, the codes of snapshot.ts, hello.ts and land.ts, and the signal's reason when it is aborted.
 */
export async function sync(request: SyncRequest): Promise<SyncResult> {
  const startedMs = request.clock.now();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const within: SyncRequest = { ...request, signal };

  const tree = await findWorkingTree(request.directory, { env: request.env, signal });
  const workspace = workspacePath(tree.root, request.workdir);
  const opening = request.open(signal);
  const preparing = prepare(within, tree, false);
  try {
    // Whichever fails first ends the other.
    const [session, local] = await Promise.all([opening, preparing]);
    const outcome = await converse(within, { session, local, tree, workspace });
    return {
      sidecar: request.sidecar,
      ...outcome,
      attempts: session.attempts,
      warm: session.warm === true,
      ms: { ...outcome.ms, connect: Math.round(session.elapsedMs), total: Math.round(request.clock.now() - startedMs) },
    };
  } finally {
    stop.abort();
    const [opened] = await Promise.allSettled([opening, preparing]);
    if (opened.status === 'fulfilled') await opened.value.transport.close();
  }
}

/** What this side brings: a snapshot, in a shadow repository. */
interface Local {
  readonly shadow: Shadow;
  readonly snapshot: Snapshot;
  readonly snapshotMs: number;
}

async function prepare(request: SyncRequest, tree: WorkingTree, fresh: boolean): Promise<Local> {
  const startedMs = request.clock.now();
  request.emit({ kind: 'sync.phase', phase: 'snapshot' });
  const shadows = path.join(request.stateDir, 'shadows');
  await makePrivateDirectory(shadows);
  const { shadow, snapshot } = await withLock(path.join(shadows, 'snapshot'), async () => {
    const shadow = await openShadow(tree, request);
    return { shadow, snapshot: await takeSnapshot(tree, shadow, { ...request, fresh }) };
  });
  return { shadow, snapshot, snapshotMs: request.clock.now() - startedMs };
}

type Outcome = Omit<SyncResult, 'sidecar' | 'attempts' | 'warm'>;

/**
 * Hello, negotiation, pack, landing. Objects that either side borrowed may be gone, pruned by somebody's own git: then
 * the snapshot is built again and everything is sent, once.
 */
async function converse(
  request: SyncRequest,
  parts: { session: OpenSession; local: Local; tree: WorkingTree; workspace: string },
): Promise<Outcome> {
  const { session, tree, workspace } = parts;
  let local = parts.local;
  for (let whole = false; ; whole = true) {
    await using conversation = await Conversation.start(session.transport, request.signal);
    try {
      const there = await hello(conversation, { format: tree.format, workspace });
      const common = await findCommon(tree, local.shadow, there, conversation);
      return await transfer(request, { conversation, there, common, local, tree, whole });
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof MissingObjects)) throw error;
      if (whole) throw new SidecarError('sync.remote_failed', { workspace, reason: error.message }, { cause: error });
      local = await prepare(request, tree, true);
    }
  }
}

async function transfer(
  request: SyncRequest,
  parts: {
    conversation: Conversation;
    there: Hello;
    common: Common;
    local: Local;
    tree: WorkingTree;
    whole: boolean;
  },
): Promise<Outcome> {
  const { conversation, there, common, tree, whole } = parts;
  const { shadow, snapshot, snapshotMs } = parts.local;
  const { clock, emit } = request;
  const dry = request.dryRun === true;
  const have = whole ? null : common.have;
  const rules = snapshot.rules !== there.rules || whole ? snapshot.rules : null;

  request.emit({ kind: 'sync.phase', phase: 'pack' });
  const startedMs = clock.now();
  // The landing's name is the same on both sides; it is what the next sync builds on.
  const landing = await commitTree(shadow, snapshot.tree, []);
  let pack: Pack | null = null;
  if (have !== landing || rules !== null) {
    const commit = have === null || have === landing ? landing : await commitTree(shadow, snapshot.tree, [have]);
    pack = await writePack(shadow, { commit, blobs: rules === null ? [] : [rules], have, treesOnly: dry }).catch(
      (cause: unknown) => {
        throw new MissingObjects('the pack could not be written', { cause });
      },
    );
  }
  let sentBytes = 0;
  let receivedMs = startedMs;
  const result = await land(
    conversation,
    {
      mode: dry ? 'dry' : 'land',
      tree: snapshot.tree,
      have,
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
        emit({ kind: 'sync.sending', bytes: sentBytes, elapsedMs: clock.now() - startedMs, done: false });
      },
      onReceived: () => {
        receivedMs = clock.now();
        emit({ kind: 'sync.sending', bytes: sentBytes, elapsedMs: receivedMs - startedMs, done: true });
        emit({ kind: 'sync.phase', phase: 'land' });
      },
      onWaiting: (holder) => emit({ kind: 'sync.waiting', holder }),
    },
  );
  for (const path of result.leftAlone) emit({ kind: 'sync.left_alone', path });
  if (dry) sentBytes = await packSize(shadow, { landing, have, rules, tree: snapshot.tree });
  else await remember(shadow, request.sidecar, landing);
  return outcome({
    there,
    result,
    snapshot,
    sentBytes,
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

/** What a sync would send: the pack is written and counted, not sent. */
async function packSize(
  shadow: Shadow,
  parts: { landing: string; have: string | null; rules: string | null; tree: string },
): Promise<number> {
  const { landing, have, rules, tree } = parts;
  if (have === landing && rules === null) return 0;
  const commit = have === null || have === landing ? landing : await commitTree(shadow, tree, [have]);
  const { stream } = await writePack(shadow, { commit, blobs: rules === null ? [] : [rules], have });
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Keeps the landing from being pruned here: the next sync to this sidecar builds on it. */
async function remember(shadow: Shadow, sidecar: string, landing: string): Promise<void> {
  await runGit(shadow.place, ['update-ref', `refs/sidecar/landed/${sidecar}`, landing]);
  await tidy(shadow);
}
