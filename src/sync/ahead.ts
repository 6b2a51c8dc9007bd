import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { commitTree } from '../git/commit.js';
import { writePack } from '../git/pack.js';
import { runGit } from '../git/run.js';
import type { Shadow } from '../git/shadow.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Conversation } from './conversation.js';
import type { Common } from './have.js';
import type { Hello } from './hello.js';
import { aheadLine } from './land-request.js';
import type { SyncRequest } from './request.js';
import { askWithPack, OtherAnswers, unwritten } from './with-pack.js';

/** What was sent while the snapshot was being taken. Nothing has changed in the workspace yet. */
export interface SentAhead {
  /** The other side has it now, and all that it consists of. */
  readonly common: Common;
  readonly bytes: number;
  /** When the sending began. */
  readonly startedMs: number;
}

/**
 * Where the other side has nothing, most of what a first sync sends is what HEAD holds, and that is known before the snapshot
 * is. It is sent as objects, by their ids: what of it the working tree holds, only the snapshot says. Resolves when it
 * is all there; with undefined where there is no sense in it.
 *
 * Throws `MissingObjects`, and what the landing would throw: `sync.not_empty`, `sync.remote_failed`.
 */
export async function sendAhead(
  request: SyncRequest,
  parts: {
    readonly tree: WorkingTree;
    readonly shadow: Promise<Shadow>;
    readonly conversation: Conversation;
    readonly there: Hello;
  },
): Promise<SentAhead | undefined> {
  const { tree, conversation, there } = parts;
  const { clock, emit } = request;
  const head = tree.repository?.head;
  if (head === undefined || there.landed !== null || there.base !== null || request.dryRun === true) return undefined;
  if (await isPartial(tree)) return undefined;
  // Of what HEAD holds, some may not be meant to travel.
  if ((await request.rules?.())?.ignoresSome === true) return undefined;
  const shadow = await parts.shadow;
  const startedMs = clock.now();
  const { stdout } = await runGit(shadow.place, ['rev-parse', '--verify', `${head}^{tree}`]).catch(unwritten);
  const commit = await commitTree(shadow, stdout.toString('latin1').trim(), []);
  const pack = await writePack(shadow, { commit, blobs: [], have: null }).catch(unwritten);
  let bytes = 0;
  try {
    const line = aheadLine({ adopt: request.adopt === true, origin: shadow.origin }, pack);
    askWithPack(conversation, line, pack, (more) => {
      bytes += more;
      emit({ kind: 'sync.sending', bytes, elapsedMs: clock.now() - startedMs, done: false });
    });
    const others = new OtherAnswers(there.workspace, (holder) => emit({ kind: 'sync.waiting', holder }));
    for (;;) {
      const answer = await conversation.answer();
      if (answer.word === 'arrived') return { common: { have: commit, shared: false }, bytes, startedMs };
      others.take(answer);
    }
  } finally {
    pack.stop();
  }
}

/** Whether HEAD's tree may lack files here: then only the snapshot knows what there is to send. */
async function isPartial({ repository }: WorkingTree): Promise<boolean> {
  const packs = await readdir(path.join(repository?.objects ?? '', 'pack')).catch(() => []);
  return packs.some((name) => name.endsWith('.promisor'));
}
