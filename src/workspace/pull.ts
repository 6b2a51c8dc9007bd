import { SidecarError } from '../errors.js';
import { workingTreeOf } from '../git/working-tree.js';
import { toText } from '../git/path-bytes.js';
import { disguisesGit } from '../git/tree-path.js';
import { badReply } from '../sync/hello.js';
import type { SyncRequest } from '../sync/request.js';
import type { Meeting } from '../sync/transfer.js';
import { withSnapshot } from '../sync/with-snapshot.js';
import { commitOnBranch, type Branched } from './branch.js';
import { Changes, type Change, type Paths } from './changes.js';
import { compare } from './compare.js';
import { idsOf } from './diff.js';
import { fetchedPlace, fetchObjects, withFetched } from './fetched.js';
import { hear } from './hear.js';
import { meet } from './meet.js';
import { Patch } from './patch.js';
import { putHere, type Applied } from './put-here.js';
import type { Receipt } from './receipt.js';

/** Where drift was found, and since which landing. */
export interface Found {
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  /** What landed there last. Drift is what changed since; where nothing has landed, what differs from a clean clone. */
  readonly landed: Receipt | null;
}

/**
 * Fetches the drift of a workspace, as far as it is not here already, and hands it to `use`, after the session. Writes
 * nothing in the workspace.
 *
 * Throws what a dry `sync` throws, `sync.not_empty` for a directory of somebody else's, and `sync.bad_reply`.
 */
export async function pull<T>(request: SyncRequest, use: (pulled: Pulled) => Promise<T>): Promise<T> {
  const { sidecar, stateDir } = request;
  const tree = await workingTreeOf(request.directory, request);
  return withFetched(stateDir, async (directory) => {
    const { result } = await withSnapshot(
      { ...request, directory: tree },
      {
        subject: 'workspace',
        meet: async (within, meeting) => {
          const { workspace } = meeting.there;
          const { ours, receipt } = await compare(within, meeting);
          if (!ours) throw new SidecarError('sync.not_empty', { workspace });
          const changes = await drifted(within, meeting);
          const { shadow } = meeting.local;
          const place = await fetchedPlace(shadow, directory);
          await fetchObjects(meeting.conversation, { workspace, emit: request.emit }, place, idsOf(changes));
          // The signal of the snapshot ends with it.
          const after = { ...place, signal: request.signal };
          const patch = await Patch.of(after, directory, changes);
          return new Pulled({
            found: { sidecar, workspace, landed: receipt },
            ...{ changes, patch, tree, directory, place: after, gitDir: shadow.gitDir },
            ...{ env: request.env, headThen: meeting.there.head },
          });
        },
      },
    );
    return use(result);
  });
}

async function drifted({ emit }: SyncRequest, { conversation, there }: Meeting): Promise<readonly Change[]> {
  conversation.ask('drifted');
  const changes = new Changes();
  await hear(conversation, { workspace: there.workspace, emit }, { change: (answer) => changes.add(answer) });
  if (changes.list.some(({ path }) => disguisesGit(path))) throw badReply('a path that leads into a repository');
  return changes.list;
}

type Parts = Parameters<typeof commitOnBranch>[1] & {
  readonly patch: Patch;
  /** The shadow's. */
  readonly gitDir: string;
};

/** Drift that was fetched, and can be brought back in several ways. */
export class Pulled {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get found(): Found {
    return this.#parts.found;
  }

  get paths(): Paths {
    return this.patch.paths;
  }

  /** From what landed to what stands there. */
  get patch(): Patch {
    return this.#parts.patch;
  }

  /** Where the working tree changed too, so that it would refuse the drift. Escaped for display. */
  async conflicts(): Promise<readonly string[]> {
    const { tree, changes } = this.#parts;
    const { conflicts } = await meet(tree, changes);
    return conflicts.map(toText);
  }

  /** Puts it into the working tree, all of it or nothing: see `putHere`. */
  apply(): Promise<Applied> {
    const { tree, changes, place, gitDir, found } = this.#parts;
    return putHere(tree, changes, { place, gitDir, workspace: found.workspace });
  }

  /** Commits it on a branch that does not exist: see `commitOnBranch`. */
  commitOn(branch: string): Promise<Branched | null> {
    return commitOnBranch(branch, this.#parts);
  }
}
