import { SidecarError } from '../errors.js';
import { isOlder, parseGitVersion } from '../git/version.js';
import type { ObjectFormat } from '../git/working-tree.js';
import type { Answer } from './answers.js';
import type { Conversation } from './conversation.js';
import { pathLimit, shortened } from './limits.js';
import type { SyncResult } from './result.js';

/** What stands on the sidecar, as its side says. */
export interface Hello {
  /** The version of git there, as in `2.39.5`. */
  readonly git: string;
  /** The absolute path of the workspace, links resolved. */
  readonly workspace: string;
  readonly base: SyncResult['base'];
  /** The commit of the last landing there, whoever it came from. */
  readonly landed: string | null;
  /** The commit that HEAD named where that landing came from. */
  readonly head: string | null;
  /** The id of the ignore rules there. */
  readonly rules: string | null;
}

/** The oldest git on a sidecar: Debian 10's. */
export const remoteGitFloor = '2.20';

/**
 * Asks what stands on the sidecar. Throws `sync.remote_git` when git is missing or too old there,
 * `sync.forbidden_workspace` for a directory that no sync may replace, and `sync.bad_reply` for nonsense.
 */
export async function hello(
  conversation: Conversation,
  { format, workspace }: { readonly format: ObjectFormat; readonly workspace: string },
): Promise<Hello> {
  conversation.ask(`hello ${format} ${workspace}`);
  let git = '';
  let directory = '';
  let base: Hello['base'] = null;
  const ids: Record<'landed' | 'head' | 'rules', string | null> = { landed: null, head: null, rules: null };
  const heard = new Set<string>();
  for (;;) {
    const answer = await conversation.answer();
    const { word, rest } = answer;
    if (heard.has(word)) throw badReply(`${word.slice(0, 40)} twice`);
    heard.add(word);
    switch (word) {
      case 'git':
        git = gitVersion(rest);
        break;
      case 'workspace':
        if (!rest.startsWith('/') || rest.length > pathLimit) throw badReply('a workspace that is no path');
        directory = Buffer.from(rest, 'latin1').toString('utf8');
        break;
      case 'base':
        base = parseBase(rest);
        break;
      case 'landed':
      case 'head':
      case 'rules':
        ids[word] = rest === '-' ? null : objectId(rest);
        break;
      case 'ready':
        if (git === '' || directory === '') throw badReply('an answer without the facts');
        return { git, workspace: directory, base, ...ids };
      case 'error':
        throw remoteError(rest, directory === '' ? workspace : directory);
      default:
        throw unexpected(answer);
    }
  }
}

/** The version in `git version 2.39.5 (Apple Git-154)`. Throws `sync.remote_git` for one that is too old, or none. */
function gitVersion(said: string): string {
  const version = parseGitVersion(said);
  if (version !== undefined && !isOlder(version, remoteGitFloor)) return version;
  const reason = version === undefined ? 'it does not tell its version' : `git ${version} is too old`;
  throw new SidecarError('sync.remote_git', {
    reason,
    ...(version === undefined ? {} : { version }),
    floor: remoteGitFloor,
  });
}

function parseBase(text: string): Hello['base'] {
  const [ref, commit, ...more] = text.split(' ');
  if ((ref !== 'origin/HEAD' && ref !== 'HEAD') || commit === undefined || more.length > 0) {
    throw badReply('a base that is none');
  }
  return { ref, commit: objectId(commit) };
}

/** Checks that a word from the other side is an object id: it goes into git's arguments here. */
export function objectId(text: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) throw badReply('an object id that is none');
  return text;
}

/** An answer that the far half never gives. */
export const badReply = (reason: string): SidecarError =>
  new SidecarError('sync.bad_reply', { reason: `the sidecar sent ${reason}` });

export const unexpected = (answer: Answer): SidecarError => badReply(`an unexpected word, ${answer.word.slice(0, 40)}`);

/** What the far half said in its hello is no longer so: it has to be asked anew. */
export class Stale extends SidecarError {}

/** An `error CODE REASON` of the far half as an error of ours. */
export function remoteError(rest: string, workspace: string): SidecarError {
  const space = rest.indexOf(' ');
  const code = space < 0 ? rest : rest.slice(0, space);
  const reason = words(space < 0 ? '' : rest.slice(space + 1));
  switch (code) {
    case 'no-git':
      return new SidecarError('sync.remote_git', { reason, floor: remoteGitFloor });
    case 'forbidden':
    case 'not-directory':
      return new SidecarError('sync.forbidden_workspace', {
        workspace,
        reason: code === 'forbidden' ? reason : 'it is not a directory',
      });
    case 'not-empty':
      return new SidecarError('sync.not_empty', { workspace });
    case 'in-use':
      return new SidecarError('sync.in_use', { workspace, holder: reason });
    case 'history-busy':
      return new SidecarError('history.busy', { workspace, reason });
    case 'stale':
      return new Stale('sync.remote_failed', { workspace, reason });
    case 'unsettled':
      return new SidecarError('sync.unsettled', { workspace, reason });
    case 'blocked':
      return new SidecarError('sync.remote_failed', {
        workspace,
        reason: `a git repository of the sidecar's own stands where the tree has a file: ${reason}`,
      });
    default:
      return new SidecarError('sync.remote_failed', { workspace, reason });
  }
}

/** What the other side says for people to read. */
export const words = (said: string): string => shortened(Buffer.from(said, 'latin1').toString('utf8').trim());
