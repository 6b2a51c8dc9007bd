import { SidecarError } from '../errors.js';
import { findWorkingTree, type WorkingTree } from '../git/working-tree.js';
import { Conversation } from './conversation.js';
import { findCommon } from './have.js';
import { hello, type Hello } from './hello.js';
import { MissingObjects } from './land.js';
import { prepare, type Local } from './prepare.js';
import type { OpenSession, SyncRequest } from './request.js';
import type { SyncResult } from './result.js';
import { transfer, type Outcome } from './transfer.js';
import { workspacePath } from './workspace.js';

/**
 * Lands the working tree on a sidecar, exactly, and has it proved.
 *
 * The snapshot is taken while the session opens and the far side is asked what stands there. It may be repeated at any point: a sync that was cut off anywhere is
 * finished by the next one.
 *
 * Throws what `open` throws, the codes of snapshot.ts, hello.ts and land.ts, and the signal's reason when it is aborted.
 */
export async function sync(request: SyncRequest): Promise<SyncResult> {
  const startedMs = request.clock.now();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const within: SyncRequest = { ...request, signal };

  const { directory, env } = request;
  const tree = typeof directory === 'string' ? await findWorkingTree(directory, { env, signal }) : directory;
  const workspace = workspacePath(tree.root, request.workdir);
  const opening = request.open(signal);
  const preparing = prepare(within, tree, false);
  const greet = async (): Promise<Greeting> => greetSidecar(within, { session: await opening, tree, workspace });
  const greeting = greet();
  try {
    // Whichever fails first ends the others.
    const [session, local, first] = await Promise.all([opening, preparing, greeting]);
    const outcome = await exchange(within, { first, greet, local, tree });
    return {
      sidecar: request.sidecar,
      ...outcome,
      attempts: session.attempts,
      warm: session.warm === true,
      ms: { ...outcome.ms, connect: Math.round(session.elapsedMs), total: Math.round(request.clock.now() - startedMs) },
    };
  } finally {
    stop.abort();
    const [opened] = await Promise.allSettled([opening, preparing, greeting]);
    if (opened.status === 'fulfilled') await opened.value.transport.close();
  }
}

/** A conversation that has begun, and what stands on the other side. */
interface Greeting {
  readonly conversation: Conversation;
  readonly there: Hello;
}

async function greetSidecar(
  request: SyncRequest,
  parts: { session: OpenSession; tree: WorkingTree; workspace: string },
): Promise<Greeting> {
  const { session, tree, workspace } = parts;
  const conversation = await Conversation.start(session.transport, request.signal);
  return { conversation, there: await hello(conversation, { format: tree.format, workspace }) };
}

/**
 * Negotiation, pack, landing. Objects that either side borrowed may be gone, pruned by somebody's own git: then the
 * snapshot is built again and everything is sent, once.
 */
async function exchange(
  request: SyncRequest,
  parts: { first: Greeting; greet: () => Promise<Greeting>; local: Local; tree: WorkingTree },
): Promise<Outcome> {
  const { first, greet, tree } = parts;
  const attempt = async ({ conversation, there }: Greeting, local: Local, whole: boolean): Promise<Outcome> => {
    try {
      const common = await findCommon(tree, local.shadow, there, conversation);
      return await transfer(request, { conversation, there, common, local, tree, whole });
    } finally {
      await conversation.close();
    }
  };
  try {
    return await attempt(first, parts.local, false);
  } catch (error) {
    if (!(error instanceof MissingObjects)) throw error;
    request.signal.throwIfAborted();
  }
  const local = await prepare(request, tree, true);
  const second = await greet();
  return attempt(second, local, true).catch((error: unknown) => {
    if (!(error instanceof MissingObjects)) throw error;
    const facts = { workspace: second.there.workspace, reason: error.message };
    throw new SidecarError('sync.remote_failed', facts, { cause: error });
  });
}
