import type { Landing } from '../sync/land.js';
import { badReply, objectId } from '../sync/hello.js';
import type { SyncRequest } from '../sync/request.js';
import { sendAndLand, type Meeting } from '../sync/transfer.js';
import { Changes, type Change } from './changes.js';
import { hear } from './hear.js';
import { parseReceipt, type Receipt } from './receipt.js';

/** What stands in a workspace beside what a sync would put there. */
export interface Comparison {
  /** What a sync would say of itself. */
  readonly landing: Landing;
  /** The tree that stands in the workspace. */
  readonly stands: string;
  /** From what stands there to the local working tree. */
  readonly changes: readonly Change[];
  /** Whether a sync would land there without `--adopt`. */
  readonly ours: boolean;
  readonly receipt: Receipt | null;
}

/** A dry landing, and then what it found. Writes nothing in the workspace. */
export async function compare(request: SyncRequest, meeting: Meeting): Promise<Comparison> {
  const { conversation, there } = meeting;
  const emit: SyncRequest['emit'] = (event) => {
    if (event.kind !== 'sync.left_alone') request.emit(event); // nothing was done beside it
  };
  const dry = { clock: request.clock, emit, drift: 'save', adopt: true, dryRun: true } as const;
  const { result } = await sendAndLand(dry, meeting);
  const changes = new Changes();
  let ours: boolean | undefined;
  let receipt: Receipt | null = null;
  let stands: string | undefined;
  await hear(
    conversation,
    { workspace: there.workspace, emit },
    {
      ours: ({ rest }) => (ours = rest === 'yes'),
      last: (answer) => (receipt = parseReceipt(answer)),
      stands: ({ rest }) => (stands = objectId(rest)),
      change: (answer) => changes.add(answer),
    },
  );
  if (ours === undefined || stands === undefined) throw badReply('an answer without the facts');
  return { landing: result, stands, changes: changes.list, ours, receipt };
}
