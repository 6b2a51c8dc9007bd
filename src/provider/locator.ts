import type { Emit } from '../events.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { SshTarget } from '../transport/target.js';

export interface TargetOptions {
  readonly signal?: AbortSignal | undefined;
  /** False: a machine that was stopped is left alone. Default: it is started. */
  readonly wake?: boolean | undefined;
  /** False: what is heard of a machine for the first time is not put on the list. Default: it is. */
  readonly learn?: boolean | undefined;
}

/** Finds the machine behind a sidecar, whoever made it. Waiting for it is never its work: `session/open.ts` does that. */
export interface Locator {
  /**
   * Where to connect now. Asked before every attempt, so that a machine that moved is found; starts a machine that was
   * stopped, without waiting for it. Throws what waiting may cure as retryable, and `provider.*`; `provider.stopped`
   * where it is not to be woken.
   */
  target(record: SidecarRecord, options?: TargetOptions): Promise<SshTarget>;
  /**
   * Ends the machine and removes what belongs to it. Deleting one that is gone already succeeds; where nobody can tell
   * that from one that is not known yet, `emit` is told. Gives the sidecar as it was when its machine was ended: another
   * process may be at the making of it.
   */
  delete(record: SidecarRecord, options?: { readonly emit?: Emit | undefined }): Promise<SidecarRecord>;
}
