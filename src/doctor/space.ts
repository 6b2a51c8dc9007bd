import { failed, ok, warning, type Verdict } from './check.js';

/** Room on a disk, as whoever asks may use it. */
export interface Space {
  readonly path: string;
  readonly freeBytes: number;
  /** Absent where the file system does not count them. */
  readonly freeInodes?: number;
}

/** A landing writes its pack, an index and the files that change. */
const littleBytes = 200 * 1024 * 1024;
const littleInodes = 2_000;
/** With less than this not even a lock and a note can be written. */
const noBytes = 1024 * 1024;
const noInodes = 20;

export function judgeSpace(space: Space): Verdict {
  const { freeBytes, freeInodes = Infinity } = space;
  if (freeBytes < noBytes || freeInodes < noInodes) return failed('space.none', space);
  if (freeBytes < littleBytes || freeInodes < littleInodes) return warning('space.little', space);
  return ok('space.enough', space);
}
