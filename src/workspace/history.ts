import { SidecarError } from '../errors.js';
import { readHistory, type History } from '../git/history.js';
import { writePack } from '../git/pack.js';
import { workingTreeOf, type WorkingTree } from '../git/working-tree.js';
import { knownHere, recentCommits } from '../sync/have.js';
import { badReply, objectId, unexpected } from '../sync/hello.js';
import type { SyncRequest } from '../sync/request.js';
import type { KeptCommits, LandedHistory } from '../sync/result.js';
import { askWithPack, MissingObjects, unwritten } from '../sync/with-pack.js';
import { hear, type About } from './hear.js';
import { visit, type Visit } from './visit.js';

/**
 * Gives the workspace's own repository the commit and the branch that HEAD names here, with their tags and the remotes'
 * branches that they are compared with, as `git log`, `git describe` and `git diff origin/main...HEAD` read them. Files
 * are not touched. What nothing would hold any more over there is kept under a ref. A workspace that is no repository
 * becomes one.
 *
 * Throws `history.unavailable` where there is none here, `history.busy` where something is under way over there, and what
 * `visit` throws.
 */
export async function landHistory(request: SyncRequest): Promise<LandedHistory> {
  const { env, signal } = request;
  const tree = await workingTreeOf(request.directory, { env, signal });
  const history = await readHistory(tree, { env, signal });
  if (history === undefined) {
    const reason = tree.repository === undefined ? 'it belongs to no git repository' : 'it has no commit yet';
    throw new SidecarError('history.unavailable', { path: tree.root, reason });
  }
  const land = (relying: boolean) =>
    visit({ ...request, directory: tree }, (visited) =>
      landOn(visited, { tree, history, relying, emit: request.emit }),
    );
  // A clone without all of its past may lack what a commit that it has is said to bring.
  const { result } = await land(true).then((done) => (done.result === 'lacking' ? land(false) : done));
  if (result === 'lacking') throw badReply('that it lacks objects which it was sent');
  return { commit: history.tip, branch: history.branch?.slice('refs/heads/'.length) ?? null, kept: result };
}

interface Parts extends Pick<About, 'emit'> {
  readonly tree: WorkingTree;
  readonly history: History;
  /** On what the other side has already. */
  readonly relying: boolean;
}

async function landOn(visited: Visit, { tree, history, relying, emit }: Parts): Promise<KeptCommits[] | 'lacking'> {
  const { conversation, shadow, there } = visited;
  const about: About = { workspace: there.workspace, emit };
  const its = await askWhatIsThere(visited, about);
  const { tip, branch, tags, remotes, originHead, shallow, digest } = history;
  if (its.noted === digest && its.commit === tip && its.branch === branch) return [];
  try {
    const have = relying && its.isRepository ? await commonCommit(visited, tree, its.commit) : null;
    const tips = [...tags, ...remotes].map(({ id }) => id);
    const pack = await writePack(shadow, { commit: tip, blobs: tips, have }).catch(unwritten);
    const lines = [
      `history tip=${tip} branch=${branch ?? '-'} digest=${digest} pack=${pack.small ? 'unpack' : 'index'}`,
      ...tags.map(({ id, name }) => `tag ${id} ${name}`),
      ...remotes.map(({ id, name }) => `remote ${id} ${name}`),
      ...(originHead === null ? [] : [`origin ${originHead}`]),
      ...shallow.map((id) => `shallow ${id}`),
      '',
    ];
    emit({ kind: 'sync.phase', phase: 'history' });
    askWithPack(conversation, lines.join('\n'), pack, () => undefined);
    const kept: KeptCommits[] = [];
    try {
      await hear(conversation, about, { kept: (answer) => kept.push(parseKept(answer.rest)) });
    } finally {
      pack.stop();
    }
    return kept;
  } catch (error) {
    if (error instanceof MissingObjects && relying) return 'lacking';
    throw error;
  }
}

interface There {
  readonly isRepository: boolean;
  /** What HEAD names, and the ref by which it does. */
  readonly commit: string | null;
  readonly branch: string | null;
  /** The digest of the history that landed there last. */
  readonly noted: string | null;
}

async function askWhatIsThere({ conversation }: Visit, about: About): Promise<There> {
  let its: There = { isRepository: false, commit: null, branch: null, noted: null };
  conversation.ask('history');
  await hear(conversation, about, {
    repository: ({ rest }) => (its = { ...its, isRepository: rest !== 'none' }),
    on: ({ rest }) => {
      const [commit = '', branch = ''] = rest.split(' ');
      its = { ...its, commit: idOrNull(commit), branch: branch === '-' ? null : fromWire(branch) };
    },
    noted: ({ rest }) => (its = { ...its, noted: idOrNull(rest) }),
  });
  return its;
}

/** A commit that both sides have: where HEAD is over there, else the base, else the nearest. */
async function commonCommit(
  { conversation, shadow, there }: Visit,
  tree: WorkingTree,
  on: string | null,
): Promise<string | null> {
  const base = there.base?.commit ?? null;
  const known = await knownHere(tree, shadow, [on, base]);
  const nearest = [on, base].find((id) => id !== null && known.has(id));
  if (nearest !== undefined) return nearest;
  const candidates = await recentCommits(tree, shadow);
  conversation.ask(`own ${candidates.join(' ')}`);
  const answer = await conversation.answer();
  if (answer.word !== 'own') throw unexpected(answer);
  const found = idOrNull(answer.rest);
  if (found !== null && !candidates.includes(found)) throw badReply('a commit that was not asked for');
  return found;
}

/** `COMMITS REF`. */
function parseKept(rest: string): KeptCommits {
  const [, commits = '', ref = ''] = /^(\d{1,9}) (refs\/sidecar\/kept\/[0-9TZa-f-]{1,60})$/.exec(rest) ?? [];
  if (ref === '') throw badReply('a ref that is none');
  return { ref, commits: Number(commits) };
}

const idOrNull = (word: string): string | null => (word === '-' ? null : objectId(word));

const fromWire = (word: string): string => Buffer.from(word, 'latin1').toString('utf8');
