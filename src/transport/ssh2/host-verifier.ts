import type { HostKeyPolicy, HostKeyVerdict } from '../host-trust.js';
import type { SidecarError } from '../../errors.js';

export type AcceptedHostKey = Exclude<HostKeyVerdict, { kind: 'refused' }>;

export interface HostVerifier {
  /** ssh2's option of the same name. */
  readonly verify: (blob: Buffer, verify: (valid: boolean) => void) => void;
  /** Set once the server showed a key that the policy refuses. */
  readonly refusal: SidecarError | undefined;
  /** Set once the server showed a key that the policy accepts. */
  readonly accepted: AcceptedHostKey | undefined;
}

/**
 * Puts the policy's verdict to ssh2.
 *
 * ssh2 accepts the key on any return value other than `undefined` and `false`: a promise of false, or null, would let
 * everybody in. So `verify` is no async function, has a body in braces that returns nothing, and answers through the
 * callback with a boolean.
 */
export function hostVerifier(policy: HostKeyPolicy): HostVerifier {
  let refusal: SidecarError | undefined;
  let accepted: { readonly blob: Buffer; readonly verdict: AcceptedHostKey } | undefined;
  return {
    verify: (blob, verify) => {
      // ssh2 asks again at every key re-exchange, when the key accepted first is the only right one.
      if (accepted !== undefined) {
        verify(accepted.blob.equals(blob));
        return;
      }
      const verdict = policy.verdict(blob);
      if (verdict.kind === 'refused') refusal = verdict.error;
      else accepted = { blob: Buffer.from(blob), verdict };
      verify(accepted !== undefined);
    },
    get refusal() {
      return refusal;
    },
    get accepted() {
      return accepted?.verdict;
    },
  };
}
