import { constants, linkSync, renameSync, unlinkSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rm, rmdir, symlink, type FileHandle } from 'node:fs/promises';
import { leadsNowhere, statsAt } from '../git/disk.js';
import { placeOf } from '../git/directory.js';
import type { BytePath } from '../git/path-bytes.js';
import { waysTo } from '../git/tree-path.js';
import type { Standing } from '../git/standing.js';
import { badReply } from '../sync/hello.js';
import { pathLimit } from '../sync/limits.js';
import type { Blobs } from './blobs.js';
import type { Entry } from './changes.js';

/** Something else stands at the place by now. It stays. */
export class Taken extends Error {}

interface Writing {
  readonly root: string;
  readonly path: BytePath;
  /** What stands there, and is to be replaced. */
  readonly before: Standing;
  readonly after: Entry;
  /** Where it is written first, in the same directory. */
  readonly beside: BytePath;
}

/**
 * Puts a file, a program or a link in place, in one step, which comes right after `untouched` has said that there stands
 * still what is to be replaced. Throws `Taken`, and what the system throws.
 */
export async function writeHere(
  writing: Writing,
  { blobs, untouched }: { readonly blobs: Blobs; readonly untouched: () => Promise<boolean> },
): Promise<void> {
  const { root, path, before, after, beside } = writing;
  if (before.kind === 'file' && before.id === after.id && isFile(before.mode) && isFile(after.mode)) {
    return setProgram(writing, untouched);
  }
  await makeWay(root, path);
  if (before.kind === 'directory') await removeEmpty(root, path);
  const [temporary, place] = [placeOf(root, beside), placeOf(root, path)];
  const isNew = before.kind !== 'file';
  try {
    if (isFile(after.mode)) await writeFile(temporary, writing, blobs);
    else await symlink(await targetOf(after.id, blobs), isNew ? place : temporary).catch(unlessTaken);
    if (isNew && !isFile(after.mode)) return;
    if (!(await untouched())) throw new Taken();
    if (isNew) putNew(temporary, place);
    else renameSync(temporary, place);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes a file, and the directories above it that it leaves empty. Throws `Taken`, and what the system throws. */
export async function removeHere(root: string, path: BytePath, untouched: () => Promise<boolean>): Promise<void> {
  if (!(await untouched())) throw new Taken();
  unlinkSync(placeOf(root, path));
  for (const way of waysTo(path).reverse()) {
    const emptied = await rmdir(placeOf(root, way)).then(
      () => true,
      () => false,
    );
    if (!emptied) return;
  }
}

const isFile = (mode: string): boolean => mode !== '120000';
const isProgram = (mode: string): boolean => mode === '100755';

async function writeFile(
  temporary: string | Buffer,
  { root, path, before, after }: Writing,
  blobs: Blobs,
): Promise<void> {
  const content = await blobs.read(after.id);
  // What the umask takes is taken by the system.
  const handle = await open(temporary, 'wx', isProgram(after.mode) ? 0o777 : 0o666);
  try {
    // Each goes on where the one before it ended.
    for await (const piece of Buffer.isBuffer(content) ? [content] : content) await handle.writeFile(piece);
    // Who may read and write the file that it replaces, may do so with this one.
    const stats = before.kind === 'file' && isFile(before.mode) ? statsAt(root, path) : undefined;
    if (stats !== undefined) await handle.chmod(modeFor(after, Number(stats.mode)));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whoever may read a program may run it. */
function modeFor({ mode }: Entry, present: number): number {
  const permissions = present & 0o777;
  return isProgram(mode) ? permissions | ((permissions & 0o444) >> 2) : permissions & ~0o111;
}

async function setProgram({ root, path, after }: Writing, untouched: () => Promise<boolean>): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    if (!(await untouched())) throw new Taken();
    handle = await open(placeOf(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    await handle.chmod(modeFor(after, (await handle.stat()).mode));
  } finally {
    await handle?.close();
  }
}

/** What a link leads to, as its blob has it. */
async function targetOf(id: string, blobs: Blobs): Promise<Buffer> {
  const target = await blobs.read(id);
  if (!Buffer.isBuffer(target) || target.length > pathLimit || target.length === 0 || target.includes(0)) {
    throw badReply('a link that none can be');
  }
  return target;
}

/** A second name is never given at a place that is taken; a new name would be. */
function putNew(temporary: string | Buffer, place: string | Buffer): void {
  try {
    linkSync(temporary, place);
  } catch (error) {
    // Not every file system gives second names.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) unlessTaken(error);
    renameSync(temporary, place);
  }
}

function unlessTaken(error: unknown): never {
  throw ['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(codeOf(error)) ? new Taken() : error;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Makes the directories that a path leads through, through no link. */
async function makeWay(root: string, path: BytePath): Promise<void> {
  for (const way of waysTo(path)) {
    const directory = placeOf(root, way);
    await mkdir(directory).catch(async (error: unknown) => {
      if (codeOf(error) !== 'EEXIST' || !(await lstat(directory)).isDirectory()) unlessTaken(error);
    });
  }
}

/** Removes a directory that holds nothing but such directories. */
async function removeEmpty(root: string, directory: BytePath): Promise<void> {
  const place = placeOf(root, directory);
  const names = await readdir(place, { encoding: 'latin1' }).catch((error: unknown) => {
    if (leadsNowhere(error)) return undefined;
    throw error;
  });
  if (names === undefined) return;
  for (const name of names) await removeEmpty(root, `${directory}/${name}`);
  await rmdir(place).catch(unlessTaken);
}
