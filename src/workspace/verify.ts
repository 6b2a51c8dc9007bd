import { SidecarError } from '../errors.js';
import { objectId, unexpected } from '../sync/hello.js';
import type { SyncRequest } from '../sync/request.js';
import { Changes, pathsOf } from './changes.js';
import { hear } from './hear.js';
import { parseReceipt, type Receipt } from './receipt.js';
import { visit } from './visit.js';

/** What stands in a workspace, read byte by byte, and found to be what landed there. */
export interface Verified {
  readonly sidecar: string;
  readonly workspace: string;
  readonly verified: true;
  /** What landed last, and stands there. */
  readonly tree: string;
  readonly landedAt: string | null;
  /** How many files were read, and how many bytes. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Has every file of the workspace read again, whatever its times say, and compares it with the last landing.
 *
 * Throws `verify.nothing_landed`, and `verify.differs` with the paths that are not as they landed.
 */
export async function verify(request: SyncRequest): Promise<Verified> {
  const { sidecar, workspace, result } = await visit(request, async ({ conversation, there }) => {
    conversation.ask('verify');
    const changes = new Changes();
    let receipt: Receipt | null = null as Receipt | null;
    let read = { files: 0, bytes: 0, stands: '' };
    await hear(
      conversation,
      { workspace: there.workspace, emit: request.emit },
      {
        receipt: (answer) => (receipt = parseReceipt(answer)),
        read: (answer) => {
          const [, files = '', bytes = '', stands = ''] = /^(\d{1,15}) (\d{1,15}) (\S+)$/.exec(answer.rest) ?? [];
          if (stands === '') throw unexpected(answer);
          read = { files: Number(files), bytes: Number(bytes), stands: objectId(stands) };
        },
        change: (answer) => changes.add(answer),
      },
    );
    return { receipt, read, paths: pathsOf(changes.list) };
  });
  const { receipt, read, paths } = result;
  if (receipt === null) throw new SidecarError('verify.nothing_landed', { workspace });
  const { files, bytes, stands } = read;
  const { tree, at } = receipt;
  if (stands !== tree) throw new SidecarError('verify.differs', { workspace, tree, stands, files, bytes, ...paths });
  return { sidecar, workspace, verified: true, tree, landedAt: at, files, bytes };
}
