import { SidecarError } from '../errors.js';
import type { EditorFile, Entry } from './editor-file.js';
import { JsoncError } from './jsonc.js';
import { readInTree, writeInTree } from './place.js';

/** What becomes of one file. */
export interface InitedFile {
  /** From the root of the working tree. */
  readonly path: string;
  /** What it held; undefined where there was none. */
  readonly before: string | undefined;
  /** What it holds now, or would. */
  readonly text: string;
  readonly entries: readonly Entry[];
}

/**
 * Has the files of an editor hold what they are to hold. Nothing is written before all of them are known to take it, and
 * nothing at all with `dryRun`.
 *
 * Throws `init.refused` {path, file, reason}, with the place of it where it is within the file, and `init.unwritable`.
 */
export async function initEditor(
  root: string,
  files: readonly EditorFile[],
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
): Promise<readonly InitedFile[]> {
  const all: InitedFile[] = [];
  for (const file of files) {
    const before = await readInTree(root, file.path);
    all.push({ path: file.path, before, ...merged(root, file, before, force) });
  }
  for (const { path, before, text } of all) {
    if (!dryRun && text !== before) await writeInTree(root, path, text);
  }
  return all;
}

function merged(
  root: string,
  file: EditorFile,
  before: string | undefined,
  force: boolean,
): ReturnType<EditorFile['merge']> {
  try {
    return file.merge(before, { force });
  } catch (error) {
    if (!(error instanceof JsoncError)) throw error;
    const { reason, line, column } = error;
    const facts = { path: file.path, file: `${root}/${file.path}`, line, column, reason };
    throw new SidecarError('init.refused', facts, { cause: error });
  }
}
