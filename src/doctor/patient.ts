import type { Clock } from '../clock.js';
import type { Finishing } from '../control/finishing.js';
import type { Build } from '../daemon/build.js';
import type { StateHome } from '../sidecars/home.js';
import type { AskPassphrase } from '../transport/passphrase.js';

/** What is examined: the world that commands work in. */
export interface Patient {
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
  readonly platform: NodeJS.Platform;
  readonly home: StateHome;
  /** Where a command would work. Absolute. */
  readonly directory: string;
  /** The sidecar that was named. */
  readonly sidecar?: string | undefined;
  /** The build of the daemon that a command would start. Undefined: commands do without one. */
  readonly daemonBuild?: Build | undefined;
  /** Absent: there is nobody to ask. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** For the renewal of a token. */
  readonly finishing?: Finishing | undefined;
  readonly clock: Clock;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
  readonly signal: AbortSignal;
}
