import type { SidecarRecord } from '../sidecars/record.js';
import type { SshTarget } from '../transport/target.js';

/**
 * Makes or finds the machine behind a sidecar. Waiting for it to boot is never a provider's work: `session/open.ts`
 * does that for all of them.
 */
export interface Provider {
  readonly kind: SidecarRecord['provider']['kind'];
  /**
   * Where to connect now. Asked before every attempt, so that a machine that moved is found; starts a machine that was
   * stopped, without waiting for it. Throws `provider.failed` when the machine cannot be had.
   */
  target(record: SidecarRecord): Promise<SshTarget>;
  /** Ends the machine and removes what belongs to it. Deleting one that is gone already succeeds. */
  delete(record: SidecarRecord): Promise<void>;
}
