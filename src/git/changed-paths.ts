import { splitNul, type BytePath } from './path-bytes.js';
import { runGit } from './run.js';
import type { Shadow } from './shadow.js';
import { unreadable } from './unreadable.js';

/** Paths whose file is no longer what the shadow's index says; undefined where git cannot tell. */
export async function changedPaths(shadow: Shadow): Promise<Set<BytePath> | undefined> {
  const output = await runGit(shadow.place, ['diff-files', '-z', '--name-only', '--no-renames'], { accept: [0, 128] });
  // git passes over what it may not look at.
  const [, file, reason] =
    /^(?!warning|error|fatal)(.+): (Permission denied|Input\/output error)$/m.exec(output.stderr) ?? [];
  if (file !== undefined) throw unreadable(shadow.place.cwd, file, reason ?? '');
  // Behind a link that leads back to itself: git neither compares such a path nor takes it for gone.
  if (/: (Too many levels of symbolic links|File name too long)$/m.test(output.stderr)) return undefined;
  return new Set(splitNul(output.stdout));
}
