import { randomBytes } from 'node:crypto';
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { SidecarError } from '../errors.js';
import { formatOf, objectId, withHeader, type GitObject } from './object-id.js';
import type { Shadow } from './shadow.js';

/**
 * A commit of a tree that has the same id on every machine: nothing but the tree and the parents goes into it. It is
 * written as `git commit-tree` writes it, without a process: there are two of them in every sync. The caller knows that
 * tree and parents are there.
 *
 * Throws `state.unwritable` when it cannot be written.
 */
export async function commitTree(shadow: Shadow, tree: string, parents: readonly string[]): Promise<string> {
  const commit = commitOf(tree, parents);
  await storeObject(shadow, commit);
  return commit.id;
}

/** The commit that `commitTree` writes. */
export function commitOf(tree: string, parents: readonly string[]): GitObject {
  const nobody = 'sidecar <sidecar> 0 +0000';
  const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)];
  const content = Buffer.from([...lines, `author ${nobody}`, `committer ${nobody}`, '', ''].join('\n'));
  return { type: 'commit', id: objectId(formatOf(tree), 'commit', content), content };
}

/** Writes an object as git does, in a file of its own. Throws `state.unwritable` when it cannot be written. */
export async function storeObject(shadow: Shadow, { type, id, content }: GitObject): Promise<void> {
  const directory = path.join(shadow.gitDir, 'objects', id.slice(0, 2));
  try {
    await writeLoose(directory, id.slice(2), withHeader(type, content));
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new SidecarError('state.unwritable', { path: directory, reason }, { cause, retryable: false });
  }
}

async function writeLoose(directory: string, name: string, object: Buffer): Promise<void> {
  const file = path.join(directory, name);
  // As git does: an object that is written again is young again, and not pruned.
  const now = new Date();
  const stands = await utimes(file, now, now).then(
    () => true,
    () => false,
  );
  if (stands) return;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // git clears away what a process that was killed leaves under such a name.
  const temporary = path.join(directory, `tmp_obj_${randomBytes(8).toString('hex')}`);
  await writeFile(temporary, deflateSync(object), { mode: 0o400, flag: 'wx' });
  await rename(temporary, file);
}
