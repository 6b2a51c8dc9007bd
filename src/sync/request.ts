import type { Clock } from '../clock.js';
import type { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Environment } from '../git/environment.js';
import type { SendRules } from '../git/send-rules.js';
import type { SnapshotMemory } from '../git/snapshot-memory.js';
import type { WorkingTree } from '../git/working-tree.js';
import type { Transport } from '../transport/transport.js';
import type { Spares } from './spares.js';

/** An open session, and what it took to open it. */
export interface OpenSession {
  readonly transport: Transport;
  readonly attempts: number;
  readonly elapsedMs: number;
  /** It was open before. */
  readonly warm?: boolean;
  /** Conversations on this transport that have begun already: the sync takes one, and sees to the next. */
  readonly spares?: Pick<Spares, 'take' | 'prepare'> | undefined;
}

/** A session whose connection was lost, and what it took to open it. */
export interface LostSession {
  readonly error: SidecarError;
  readonly attempts: number;
  readonly elapsedMs: number;
}

export interface SyncRequest {
  /** Any directory inside the working tree, or the tree itself where it was found already. */
  readonly directory: string | WorkingTree;
  /** The sidecar's name. */
  readonly sidecar: string;
  /** The workspace on the sidecar; `~/<name of the local directory>` unless given. */
  readonly workdir?: string;
  /**
   * Opens the session, again when it was `lost`: then with what is left of the time for connecting. The transport is
   * closed when the sync ends. With `wake: false`, a machine that was stopped is left alone: then throws
   * `provider.stopped`.
   */
  readonly open: (
    signal: AbortSignal,
    lost?: LostSession,
    options?: { readonly wake?: boolean | undefined },
  ) => Promise<OpenSession>;
  readonly stateDir: string;
  readonly env: Environment;
  /** What to do about drift: save it and go on, or refuse (the default is to save). */
  readonly drift?: 'save' | 'refuse';
  /** Land in a directory that holds something else. What is there is saved as drift. */
  readonly adopt?: boolean;
  /** Say what would change, and change nothing in the workspace. */
  readonly dryRun?: boolean;
  /** What the settings say of what is sent: asked at each snapshot, for they may change. */
  readonly rules?: () => Promise<SendRules>;
  /** Of earlier snapshots of the working tree, where one process takes several. */
  readonly memory?: SnapshotMemory;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}
