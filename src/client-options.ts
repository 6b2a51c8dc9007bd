import type { Clock } from './clock.js';
import type { Finishing } from './control/finishing.js';
import type { Emit } from './events.js';
import type { ForwardRequest } from './forward/forward.js';
import type { CreateRequest } from './provider/create.js';
import type { AfterLanding } from './run/after-landing.js';
import type { ExecutionRequest } from './run/execution.js';
import type { PassOn } from './run/latest-run.js';
import type { LostSession } from './session/open.js';
import type { SyncRequest } from './sync/request.js';
import type { SyncResult } from './sync/result.js';
import type { AskPassphrase } from './transport/passphrase.js';
import type { Transport } from './transport/transport.js';
import type { Warmth } from './warmth.js';

/** The world that a client works in. What is left out is the real one. */
export interface ClientOptions {
  /** The environment: settings, the ssh-agent's socket, what git and ssh are started with. */
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir?: string;
  readonly platform?: NodeJS.Platform;
  readonly clock?: Clock;
  /** Where the program can end in the middle: has it wait for the renewal of a token. */
  readonly finishing?: Finishing;
  /** What stays from one landing to the next. Default: nothing, every session is closed. */
  readonly warmth?: Warmth;
}

export type CreateOptions = CreateRequest & {
  /** Who makes the machine. Default: `local`. */
  readonly provider?: string;
  /** Where a provider looks for what a machine is made by, in whose working tree, as a dev container is. */
  readonly directory?: string;
  /** The control plane, for `api`: https://…, or http://… on this machine. Default: the one that is configured. */
  readonly server?: string | undefined;
  readonly emit?: Emit;
  readonly signal?: AbortSignal;
};

export interface ConnectOptions {
  /** Ends the wait at once. */
  readonly signal?: AbortSignal;
  readonly emit?: Emit;
  /** How long to keep trying, in milliseconds. Default: 90,000. */
  readonly deadlineMs?: number;
  /** Absent: there is nobody to ask, and encrypted keys are passed over. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** Have commands over there use the ssh-agent of here: on a session of its own, that nobody else gets. */
  readonly forwardAgent?: boolean;
  /** The session to open again, after its connection was lost. */
  readonly lost?: LostSession | undefined;
}

export type LandOptions = Omit<ConnectOptions, 'lost'> &
  Pick<SyncRequest, 'directory' | 'workdir' | 'drift' | 'adopt' | 'dryRun' | 'rules'>;

export type SyncOptions = LandOptions & {
  /** Give the workspace's own repository the history of here, after the landing. See `landHistory`. Not in a dry run. */
  readonly history?: boolean;
};

export type WatchOptions = Omit<LandOptions, 'dryRun'> & {
  /** Called after each landing, before anything else happens. */
  readonly onLanded?: (result: SyncResult) => void;
  /** What to run in the workspace after each landing that changed it, word for word, and who takes what it prints. */
  readonly run?: {
    readonly command: readonly string[];
    readonly variables?: Readonly<Record<string, string>>;
    readonly passOn: PassOn;
  };
  /** What to run to its end before that; where it does not exit with 0, nothing else is run on that landing. */
  readonly afterLanding?: AfterLanding;
};

export type ExecutionOptions = Omit<ConnectOptions, 'lost'> &
  Pick<LandOptions, 'directory' | 'workdir'> &
  Omit<ExecutionRequest, 'workspace'> & {
    /** Where to run it. Default, and where this is lost before anything can have begun: a session of its own. */
    readonly over?: Pick<Transport, 'exec' | 'close'>;
  };

export type RunOptions = Omit<LandOptions, 'dryRun'> &
  Omit<ExecutionRequest, 'workspace'> & {
    /** Called after the landing, before the command starts. */
    readonly onLanded?: (result: SyncResult) => void;
  };

export type RunsOptions = Omit<ConnectOptions, 'lost'> &
  Pick<LandOptions, 'directory' | 'workdir'> &
  Pick<ExecutionOptions, 'over'>;

export type ForwardOptions = Omit<ConnectOptions, 'lost'> & Pick<ForwardRequest, 'local' | 'remote'>;
