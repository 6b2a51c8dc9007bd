import path from 'node:path';
import { SidecarError } from '../errors.js';

/**
 * `sync.unreadable` {path, file, reason}: `name` as it is known in the working tree at `root`, and where it is on the disk.
 */
export function unreadable(root: string, name: string, reason: string, cause?: unknown): SidecarError {
  return new SidecarError('sync.unreadable', { path: name, file: path.resolve(root, name), reason }, { cause });
}
