import { rmSync } from 'node:fs';

const tries = 50;
const pauseMs = 100;

/**
 * `rm -rf`, where what was just killed may still write. Each time it looks again at what is there: `maxRetries` of Node's own
 * only tries to remove a directory again that somebody has filled meanwhile.
 */
export function removeDirectory(path: string): void {
  for (let left = tries; ; left -= 1) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOTEMPTY' && code !== 'EBUSY') || left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}
