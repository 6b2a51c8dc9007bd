import { SidecarError } from '../errors.js';
import { toText, unquote } from '../git/path-bytes.js';
import type { Pack } from '../git/pack.js';
import type { Conversation } from './conversation.js';
import { objectId, remoteError, unexpected } from './hello.js';
import type { Drift } from './result.js';

/** What is to land, and how. Ids are checked; nothing here needs quoting. */
export interface LandRequest {
  readonly mode: 'land' | 'dry';
  readonly tree: string;
  readonly have: string | null;
  readonly rules: string | null;
  readonly drift: 'save' | 'refuse';
  readonly adopt: boolean;
  readonly shared: boolean;
  /** Names this working tree on this machine, so that the sidecar knows it again. */
  readonly origin: string;
  readonly head: string | null;
}

export interface Landing {
  readonly tree: string;
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
  readonly drift: Drift | null;
  readonly leftAlone: readonly string[];
}

/** The far side lacks objects that the pack builds on, or ours lacks some: everything must be sent again. */
export class MissingObjects extends Error {}

/** The most drifted paths that are kept to be named, in bytes: a hostile far side must not fill our memory. */
const listLimit = 64 * 1024 * 1024;

/**
 * Sends a pack and has the tree landed. `onReceived` is called when the sidecar holds all of it; `onWaiting` when another
 * landing is in the way, once.
 *
 * Throws `sync.drifted`, `sync.not_empty`, `sync.in_use`, `sync.unsettled`, `sync.remote_failed`, `sync.not_proved`, and
 * `MissingObjects`.
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
  conversation.ask(requestLine(request, pack));
  const sending = pack === null ? Promise.resolve() : conversation.send(pack.stream, options.onBytes);
  // A pack that cannot be written here must end the wait for an answer that will not come.
  const failed = new Promise<never>((_, reject) => {
    sending.catch((cause: unknown) => reject(new MissingObjects('the pack could not be written', { cause })));
  });
  failed.catch(() => undefined);

  let changed: Landing['changed'] | undefined;
  const drift: DriftList = { added: [], modified: [], deleted: [], bytes: 0 };
  const leftAlone: string[] = [];
  let waiting = false;
  try {
    for (;;) {
      const answer = await Promise.race([conversation.answer(), failed]);
      const { word, rest } = answer;
      switch (word) {
        case 'received':
          options.onReceived();
          break;
        case 'waiting':
          if (!waiting) options.onWaiting(rest.slice(rest.indexOf(' ') + 1));
          waiting = true;
          break;
        case 'drift':
          addDrift(drift, rest);
          break;
        case 'left-alone':
          leftAlone.push(toText(unquote(rest)));
          break;
        case 'changed': {
          const [added, modified, deleted] = rest.split(' ').map(Number);
          if (![added, modified, deleted].every(Number.isSafeInteger)) throw unexpected(answer);
          changed = { added: added ?? 0, modified: modified ?? 0, deleted: deleted ?? 0 };
          break;
        }
        case 'done': {
          const [tree, id] = rest.split(' ');
          if (tree === undefined || id === undefined || changed === undefined) throw unexpected(answer);
          if (objectId(tree) !== request.tree) {
            throw new SidecarError('sync.not_proved', { workspace, expected: request.tree, actual: tree });
          }
          return { tree, changed, drift: summary(drift, id === '-' ? null : id), leftAlone };
        }
        case 'error':
          if (rest.startsWith('import ')) throw new MissingObjects(rest.slice('import '.length));
          if (rest.startsWith('drifted ')) throw drifted(drift, workspace);
          throw remoteError(rest, workspace);
        default:
          throw unexpected(answer);
      }
    }
  } finally {
    pack?.stop();
  }
}

function requestLine(request: LandRequest, pack: Pack | null): string {
  const pairs: Record<string, string> = {
    mode: request.mode,
    tree: request.tree,
    have: request.have ?? '-',
    pack: pack === null ? 'none' : pack.small ? 'unpack' : 'index',
    rules: request.rules ?? '-',
    drift: request.drift,
    adopt: request.adopt ? '1' : '0',
    shared: request.shared ? '1' : '0',
    origin: request.origin,
    head: request.head ?? '-',
  };
  return `land ${Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`;
}

interface DriftList {
  readonly added: string[];
  readonly modified: string[];
  readonly deleted: string[];
  bytes: number;
}

/** `MM<tab>path`: the first letter is the change since the last landing. */
function addDrift(list: DriftList, line: string): void {
  list.bytes += line.length;
  if (list.bytes > listLimit)
    throw new SidecarError('sync.bad_reply', { reason: 'the sidecar lists drift without end' });
  const path = toText(unquote(line.slice(line.indexOf('\t') + 1)));
  const letter = line[0];
  (letter === 'A' ? list.added : letter === 'D' ? list.deleted : list.modified).push(path);
}

function summary(list: DriftList, id: string | null): Drift | null {
  const { added, modified, deleted } = list;
  if (added.length + modified.length + deleted.length === 0) return null;
  return { id, added, modified, deleted, saved: id !== null };
}

function drifted(list: DriftList, workspace: string): SidecarError {
  const { added, modified, deleted } = list;
  return new SidecarError('sync.drifted', { workspace, added, modified, deleted });
}
