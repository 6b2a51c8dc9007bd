import type { IgnoreFile } from './ignore-rules.js';
import type { BytePath } from './path-bytes.js';
import { readRegularFile } from './regular-file.js';
import { unreadable } from './unreadable.js';

/** Where ignore rules stand, and the directory (with a trailing slash, or empty for the root) that they speak of. */
export interface IgnoreSource {
  readonly directory: BytePath;
  readonly file: string | Buffer;
  /** Whether git reads it through a link. It does not for a `.gitignore`: the repository could name any file by one. */
  readonly followLink: boolean;
}

/** Of all ignore rules of a working tree. They are joined in memory, and travel with every change of them. */
const rulesLimitBytes = 4 * 1024 * 1024;

/**
 * Reads ignore files, in their order, those that there are.
 *
 * Throws `sync.unreadable` where they are too large to be rules.
 */
export async function readIgnoreFiles(sources: readonly IgnoreSource[]): Promise<IgnoreFile[]> {
  const files: IgnoreFile[] = [];
  let left = rulesLimitBytes;
  for (const { directory, file, followLink } of sources) {
    const content = await readRegularFile(file, { limitBytes: rulesLimitBytes, followLink });
    if (content === undefined) continue;
    left -= content.length;
    if (left < 0) {
      const reason = `with it, the ignore rules of this working tree are larger than ${rulesLimitBytes / 1024} KiB`;
      throw unreadable('/', file.toString(), reason);
    }
    files.push({ directory, content });
  }
  return files;
}
