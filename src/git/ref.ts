import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Shadow } from './shadow.js';

/**
 * Sets a ref of the shadow, whatever it was, in one step and without a process: a file of its own, as git keeps it
 * (gitrepository-layout(5)). Nobody else writes refs there. A ref that cannot be written stays what it was.
 */
export async function writeRef(shadow: Shadow, ref: string, id: string): Promise<void> {
  const file = path.join(shadow.gitDir, ref);
  const temporary = path.join(shadow.gitDir, `sidecar-ref-${process.pid}-${path.basename(ref)}`);
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${id}\n`, { mode: 0o600 });
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true });
  }
}
