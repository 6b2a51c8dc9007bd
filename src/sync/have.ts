import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { runGit } from '../git/run.js';
import type { Shadow } from '../git/shadow.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Conversation } from './conversation.js';
import { badReply, objectId, remoteError, unexpected, type Hello } from './hello.js';

/** What both sides have, to send a difference against. */
export interface Common {
  /** The commit to leave out of the pack, or null to send everything. */
  readonly have: string | null;
  /** Whether the workspace's history, or that of the tree which landed there before, shares a commit with ours. */
  readonly shared: boolean;
}

/**
 * Finds what both sides have: the last landing, else the base, else the nearest commit that both know, else nothing.
 * Only where the workspace is a clone whose base is unknown here does it take a question more.
 */
export async function findCommon(
  tree: WorkingTree,
  shadow: Shadow,
  there: Hello,
  conversation: Conversation,
  sidecar: string,
): Promise<Common> {
  // What this side landed there last stands there still: no program has to be asked.
  if (there.landed !== null && (await landedLast(shadow, sidecar)) === there.landed) {
    return { have: there.landed, shared: true };
  }
  const known = await knownHere(tree, shadow, [there.landed, there.base?.commit ?? null, there.head]);
  const knows = (id: string | null): id is string => id !== null && known.has(id);
  const head = knows(there.head);
  if (knows(there.landed)) return { have: there.landed, shared: head || knows(there.base?.commit ?? null) };
  if (there.base === null) return { have: null, shared: head };
  if (knows(there.base.commit)) return { have: there.base.commit, shared: true };
  const candidates = await recentCommits(tree, shadow);
  if (candidates.length === 0) return { have: null, shared: head };
  conversation.ask(`common ${candidates.join(' ')}`);
  const answer = await conversation.answer();
  if (answer.word === 'error') throw remoteError(answer.rest, there.workspace);
  if (answer.word !== 'common') throw unexpected(answer);
  const have = answer.rest === '-' ? null : objectId(answer.rest);
  if (have !== null && !candidates.includes(have)) throw badReply('a commit that was not asked for');
  return { have, shared: have !== null || head };
}

/** A ref of the shadow: what landed on this sidecar last is kept here, see transfer.ts. */
export const landedRef = (sidecar: string): string => `refs/sidecar/landed/${sidecar}`;

async function landedLast(shadow: Shadow, sidecar: string): Promise<string> {
  const id = await readFile(path.join(shadow.gitDir, landedRef(sidecar)), 'latin1').catch(() => '');
  return id.trimEnd();
}

/** Which commits this side has, with their trees: any other object by that name is none, and no parent for a commit. */
export async function knownHere(
  tree: WorkingTree,
  shadow: Shadow,
  ids: readonly (string | null)[],
): Promise<Set<string>> {
  const commits = ids.filter((id): id is string => id?.length === (tree.format === 'sha1' ? 40 : 64));
  if (commits.length === 0) return new Set();
  const args = ['cat-file', '--batch-check=%(objecttype)'];
  const stdin = commits.map((id) => `${id}\n${id}^{tree}\n`).join('');
  const { stdout } = await runGit(shadow.place, args, { stdin, accept: [0, 1, 128] });
  const types = stdout.toString('latin1').split('\n');
  return new Set(commits.filter((_, index) => types[2 * index] === 'commit' && types[2 * index + 1] === 'tree'));
}

/** How far back to look, and how many commits to name: all of the nearest, then fewer and fewer. */
const horizon = 20_000;
const nearest = 256;
const stride = 64;

/** Commits that HEAD contains here, for the other side to find one that it has. */
export async function recentCommits(tree: WorkingTree, shadow: Shadow): Promise<string[]> {
  if (tree.repository?.head === undefined) return [];
  // The user's refs are not the shadow's: the walk starts at HEAD, in the shadow, which borrows the objects.
  const args = ['rev-list', `--max-count=${horizon}`, tree.repository.head];
  const { stdout } = await runGit(shadow.place, args, { accept: [0, 128] });
  const commits = stdout.toString('latin1').split('\n').slice(0, -1);
  return commits.filter((_, index) => index < nearest || index % stride === 0);
}
