import { land, type Landing } from '../sync/land.js';
import type { SyncRequest } from '../sync/request.js';
import type { Visit } from './visit.js';

/**
 * Has a tree put in place that consists of what is over there already, with every guard of a landing: what would be lost
 * is saved as drift first, and the tree is proved. Throws what `land` throws.
 */
export async function putInPlace(request: SyncRequest, visited: Visit, tree: string): Promise<Landing> {
  const { conversation, there, shadow } = visited;
  const { emit } = request;
  emit({ kind: 'sync.phase', phase: 'land' });
  const landing = await land(
    conversation,
    {
      ...{
        mode: 'land',
        tree,
        have: there.landed,
        landing: null,
        patch: null,
        rules: there.rules,
        drift: 'save',
        adopt: true,
        shared: true,
      },
      ...{ origin: shadow.origin, head: there.head },
    },
    {
      ...{ pack: null, workspace: there.workspace, onBytes: ignore, onReceived: ignore },
      onWaiting: (holder) => emit({ kind: 'sync.waiting', holder }),
    },
  );
  for (const path of landing.leftAlone) emit({ kind: 'sync.left_alone', path });
  return landing;
}

const ignore = (): void => undefined;
