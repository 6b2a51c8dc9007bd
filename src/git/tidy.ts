import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { runGit } from './run.js';
import type { Shadow } from './shadow.js';

/** git's own measure (gc.auto): objects spread evenly over 256 directories, so one of them tells of all. */
const looseInOneDirectory = 20;
const packFiles = 40;

/**
 * Packs the shadow when it has grown untidy. What nothing refers to goes after git's two weeks. It may fail without
 * harm: objects borrowed from the user's repository may be gone.
 */
export async function tidy(shadow: Shadow): Promise<void> {
  const count = async (directory: string, ending: string): Promise<number> => {
    const names = await readdir(path.join(shadow.gitDir, 'objects', directory)).catch(() => []);
    return names.filter((name) => name.endsWith(ending)).length;
  };
  if ((await count('17', '')) <= looseInOneDirectory && (await count('pack', '.pack')) <= packFiles) return;
  await runGit(shadow.place, ['gc', '--quiet'], { accept: [0, 1, 128, 255] });
}
