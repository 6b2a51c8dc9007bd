import path from 'node:path';
import { SidecarError } from '../errors.js';
import { pathLimit } from './limits.js';

/**
 * The workspace's path as it is asked for on the sidecar: `workdir`, else the name of the local directory. A relative
 * path, or one that begins with `~/`, starts at the home directory over there.
 *
 * Throws `usage.invalid` for a path that is empty, too long, no text or holds control characters, and for another user's
 * home (`~name`).
 */
export function workspacePath(root: string, workdir?: string): string {
  const wanted = workdir ?? path.basename(root);
  if (wanted.trim() === '') throw refused(wanted, 'it is empty');
  if (Buffer.from(wanted).some((byte) => byte < 0x20 || byte === 0x7f))
    throw refused(wanted, 'it holds control characters');
  if (/\p{Cs}/u.test(wanted)) throw refused(wanted, 'it is no valid text');
  if (Buffer.byteLength(wanted) > pathLimit) throw refused(`${wanted.slice(0, 60)}…`, 'it is too long');
  if (/^~[^/]/.test(wanted)) throw refused(wanted, 'only your own home directory on the sidecar (~/…) can be named so');
  return path.posix.normalize(wanted.replace(/^~(\/|$)/, './')).replace(/(.)\/+$/, '$1');
}

const refused = (workdir: string, why: string): SidecarError =>
  new SidecarError('usage.invalid', { reason: `the workspace path ${JSON.stringify(workdir)} cannot be used: ${why}` });
