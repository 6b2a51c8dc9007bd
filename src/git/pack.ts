import { PassThrough, Readable } from 'node:stream';
import { startGit, failure } from './run.js';
import type { Shadow } from './shadow.js';

/** What is to be sent, and what the other side has. */
export interface PackRequest {
  /** A commit whose parent is `have`: git then sends thin deltas against it. None where blobs are all there is to send. */
  readonly commit: string | null;
  /** Blobs to send besides. */
  readonly blobs: readonly string[];
  readonly have: string | null;
  /** Leave file contents out: enough to compare, not to land. */
  readonly treesOnly?: boolean;
  /** Take the time to make it small: for what is text above all. */
  readonly dense?: boolean;
}

/** A pack being written, never held whole. */
export interface Pack {
  readonly stream: Readable;
  /** Set when the whole pack is no larger than the buffer that was filled first. */
  readonly small: boolean;
  readonly stop: () => void;
}

/** A pack that is known already, whole. */
export function packOf(bytes: Buffer): Pack {
  return { stream: Readable.from([bytes]), small: bytes.length <= smallPack, stop: () => undefined };
}

/** Up to this size, in bytes, the receiver writes loose objects instead of keeping a pack file. */
const smallPack = 64 * 1024;

/**
 * Starts writing a pack. Resolves once its size class is known. The stream ends with the pack, or fails with
 * `git.failed`: objects that this side borrowed may have been pruned by the user's own git.
 */
export async function writePack(shadow: Shadow, request: PackRequest): Promise<Pack> {
  const args = ['pack-objects', '--stdout', '--revs', '--thin', '--delta-base-offset', '-q'];
  if (request.dense === true) args.push('--compression=9');
  if (request.treesOnly === true) args.push('--filter=blob:none');
  // With everything to send, looking for likenesses takes longer than sending. Deltas that a pack holds already are used.
  if (request.have === null) args.push('--window=0');
  const git = startGit(shadow.place, args);
  git.stdin.on('error', () => undefined);
  const built = request.commit === null || request.have === null ? [] : ['^' + request.have];
  const lines = [...(request.commit === null ? [] : [request.commit]), ...request.blobs, ...built];
  git.stdin.end(lines.join('\n') + '\n');

  const stream = new PassThrough({ highWaterMark: 2 * smallPack });
  git.stdout.on('error', (error) => stream.destroy(error));
  git.stdout.pipe(stream, { end: false });
  const ended = git.finished.then(
    ({ code, stderr }) => {
      if (code === 0) stream.end();
      else stream.destroy(failure(args, code, stderr));
    },
    (error: unknown) => void stream.destroy(error as Error),
  );
  stream.on('error', () => undefined); // whoever reads it sees it too
  const filled = new Promise<void>((resolve) => {
    const look = (): void => {
      if (stream.readableLength > smallPack || stream.destroyed) resolve();
    };
    git.stdout.on('data', look);
    stream.on('close', look);
  });
  await Promise.race([ended, filled]);
  if (stream.errored !== null) throw stream.errored;
  return { stream, small: stream.readableLength <= smallPack, stop: git.stop };
}
