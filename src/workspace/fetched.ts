import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makePrivateDirectory } from '../files/private-files.js';
import { failure, runGit, startGit, type GitPlace } from '../git/run.js';
import type { Shadow } from '../git/shadow.js';
import type { Conversation } from '../sync/conversation.js';
import { badReply, unexpected } from '../sync/hello.js';
import { fetchLimit } from '../sync/limits.js';
import { hear, type About } from './hear.js';

/** A directory of a process that was killed, in milliseconds of age. */
const abandonedMs = 24 * 3_600_000;

/**
 * Runs `action` with a private directory for objects that come from the sidecar. They are looked at and thrown away: what
 * it sends never gets among the objects that a sync is made of.
 */
export async function withFetched<T>(stateDir: string, action: (directory: string) => Promise<T>): Promise<T> {
  const place = path.join(stateDir, 'fetched');
  await makePrivateDirectory(place);
  await clearAbandoned(place);
  const directory = await mkdtemp(path.join(place, 'objects-'));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** git where it finds the shadow's objects, and those that were fetched into `directory`. */
export async function fetchedPlace(shadow: Shadow, directory: string): Promise<GitPlace> {
  await mkdir(path.join(directory, 'info'), { recursive: true });
  await mkdir(path.join(directory, 'pack'), { recursive: true });
  await writeFile(path.join(directory, 'info/alternates'), `${path.join(shadow.gitDir, 'objects')}\n`);
  const { place } = shadow;
  return { ...place, env: { ...place.env, GIT_OBJECT_DIRECTORY: directory } };
}

/**
 * Fetches those of the objects that this side lacks.
 *
 * Throws `sync.bad_reply` for a pack that is none, or one without end, and what `hear` throws.
 */
export async function fetchObjects(
  conversation: Conversation,
  about: About,
  place: GitPlace,
  ids: ReadonlySet<string>,
): Promise<void> {
  const missing = await lacking(place, ids);
  if (missing.length === 0) return;
  conversation.ask(`objects ${missing.join(' ')}`);
  const answer = await hear(conversation, about, {}, 'pack');
  if (!/^\d{1,15}$/.test(answer.rest)) throw unexpected(answer);
  const bytes = Number(answer.rest);
  if (bytes > fetchLimit) throw badReply(`a pack of ${bytes} bytes`);
  await takeIn(place, conversation.bytes(bytes));
  // What was not asked for does no harm; what was, must be there now.
  if ((await lacking(place, ids)).length > 0) throw badReply('other objects than it was asked for');
}

async function lacking(place: GitPlace, ids: ReadonlySet<string>): Promise<string[]> {
  const asked = [...ids];
  const { stdout } = await runGit(place, ['cat-file', '--batch-check=%(objecttype)'], {
    stdin: asked.join('\n') + '\n',
  });
  const types = stdout.toString('latin1').split('\n');
  return asked.filter((_, index) => types[index] !== 'blob');
}

async function takeIn(place: GitPlace, bytes: AsyncIterable<Buffer>): Promise<void> {
  const args = ['index-pack', '--stdin', `--max-input-size=${fetchLimit}`];
  const git = startGit(place, args);
  git.stdout.resume();
  // Where git gives up, it says why; where the connection does, that is why.
  const deaf = { value: false };
  git.stdin.on('error', () => (deaf.value = true));
  await pipeline(Readable.from(bytes), git.stdin).catch((error: unknown) => {
    if (deaf.value) return;
    git.stop();
    throw error;
  });
  const { code, stderr } = await git.finished;
  if (code === 0) return;
  throw badReply(`a pack that is none: ${failure(args, code, stderr).message}`);
}

async function clearAbandoned(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    const directory = path.join(place, name);
    const stats = await stat(directory).catch(() => undefined);
    if (stats !== undefined && Date.now() - stats.mtimeMs > abandonedMs) {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
