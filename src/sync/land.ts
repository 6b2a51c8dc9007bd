import { SidecarError } from '../errors.js';
import { toText, unquote } from '../git/path-bytes.js';
import type { Pack } from '../git/pack.js';
import type { Answer } from './answers.js';
import type { Conversation } from './conversation.js';
import { badReply, objectId, unexpected } from './hello.js';
import { landLine, type LandRequest } from './land-request.js';
import { listLimit } from './limits.js';
import type { Drift } from './result.js';
import { askWithPack, OtherAnswers } from './with-pack.js';

export interface Landing {
  readonly tree: string;
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
  readonly drift: Drift | null;
  readonly leftAlone: readonly string[];
}

/** The tree could not be made of a patch over there: the conversation goes on, with a request for the tree in a pack. */
export class Unpatched extends Error {}

/**
 * Sends a pack and has the tree landed. `onReceived` is called when the sidecar holds all of it; `onWaiting` when another
 * landing is in the way, once.
 *
 * Throws `sync.drifted`, `sync.not_empty`, `sync.in_use`, `sync.unsettled`, `sync.remote_failed`, `sync.not_proved`,
 * `MissingObjects` and `Unpatched`.
 */
export async function land(
  conversation: Conversation,
  request: LandRequest,
  options: {
    readonly pack: Pack | null;
    readonly workspace: string;
    readonly onBytes: (bytes: number) => void;
    readonly onReceived: () => void;
    readonly onWaiting: (holder: string) => void;
  },
): Promise<Landing> {
  const { pack, workspace } = options;
  askWithPack(conversation, landLine(request, pack), pack, options.onBytes);
  const others = new OtherAnswers(workspace, options.onWaiting);
  const paths = new PathLists();
  let received = false;
  let changed: Landing['changed'] | undefined;
  try {
    for (;;) {
      const answer = await conversation.answer();
      const { word, rest } = answer;
      switch (word) {
        case 'received':
          if (received) throw unexpected(answer);
          received = true;
          options.onReceived();
          break;
        case 'unpatched':
          if (received || request.patch === null) throw unexpected(answer);
          throw new Unpatched('the tree could not be made of a patch');
        case 'drift':
          paths.addDrift(answer);
          break;
        case 'left-alone':
          paths.addLeftAlone(answer);
          break;
        case 'changed':
          if (!received || changed !== undefined) throw unexpected(answer);
          changed = parseChanged(answer);
          break;
        case 'done': {
          if (changed === undefined) throw unexpected(answer);
          const { tree, id } = parseDone(answer);
          if (tree !== request.tree) {
            throw new SidecarError('sync.not_proved', { workspace, expected: request.tree, actual: tree });
          }
          if (id !== null) await acknowledge(conversation);
          return { tree, changed, drift: paths.drift(id), leftAlone: paths.leftAlone };
        }
        default:
          if (word === 'error' && rest.startsWith('drifted ')) {
            throw new SidecarError('sync.drifted', { workspace, ...paths.drifted });
          }
          others.take(answer);
      }
    }
  } finally {
    pack?.stop();
  }
}

/**
 * Drift that was saved is told again by the next landing until its list is known to have arrived. The tree stands by now:
 * whatever goes wrong here is no failure of this landing.
 */
async function acknowledge(conversation: Conversation): Promise<void> {
  conversation.ask('told');
  await conversation.answer().catch(() => undefined);
}

/** `A M D`: how many paths were added, modified and deleted. */
function parseChanged(answer: Answer): Landing['changed'] {
  const counts = /^(\d{1,15}) (\d{1,15}) (\d{1,15})$/.exec(answer.rest);
  if (counts === null) throw unexpected(answer);
  const [added = 0, modified = 0, deleted = 0] = counts.slice(1).map(Number);
  return { added, modified, deleted };
}

/** `TREE ID`: what stands there now, and under which id drift was saved. The id is part of a ref's name. */
function parseDone(answer: Answer): { tree: string; id: string | null } {
  const [, tree = '', id = ''] = /^(\S+) (-|\d{8}T\d{6}Z-[0-9a-f]{8})$/.exec(answer.rest) ?? [];
  if (id === '') throw unexpected(answer);
  return { tree: objectId(tree), id: id === '-' ? null : id };
}

/** The paths that the sidecar names, up to a limit. */
class PathLists {
  readonly drifted = { added: [] as string[], modified: [] as string[], deleted: [] as string[] };
  readonly leftAlone: string[] = [];
  #bytes = 0;

  /** `MM<tab>path`: the first letter is the change since the last landing. */
  addDrift(answer: Answer): void {
    const [, letter = '', path] = /^([A-Z])[A-Z]*\t(.+)$/s.exec(answer.rest) ?? [];
    if (path === undefined) throw unexpected(answer);
    const { added, modified, deleted } = this.drifted;
    (letter === 'A' ? added : letter === 'D' ? deleted : modified).push(this.#shown(path));
  }

  addLeftAlone({ rest }: Answer): void {
    this.leftAlone.push(this.#shown(rest));
  }

  drift(id: string | null): Drift | null {
    const { added, modified, deleted } = this.drifted;
    if (added.length + modified.length + deleted.length === 0) return null;
    return { id, added, modified, deleted, saved: id !== null };
  }

  #shown(path: string): string {
    this.#bytes += path.length + stringBytes;
    if (this.#bytes > listLimit) throw badReply('paths without end');
    return toText(unquote(path));
  }
}

/** What a string in a list takes besides its characters, about. */
const stringBytes = 64;
