import * as v from 'valibot';

/** What the keyring's process is asked, once. */
export interface KeyringRequest {
  /** What sidecar's entries are found by in the programs that show a keyring. */
  readonly service: string;
  readonly account: string;
  readonly call: 'get' | 'set' | 'delete';
  /** For `set`. */
  readonly secret?: string | undefined;
}

/** What it says: that it runs, and then what came of the request. */
export const keyringAnswer = v.variant('kind', [
  v.object({ kind: v.literal('started') }),
  /** `secret`: for `get`, where there is one. */
  v.object({ kind: v.literal('done'), secret: v.optional(v.string()) }),
  /** There is no keyring here. */
  v.object({ kind: v.literal('absent'), reason: v.string() }),
  v.object({ kind: v.literal('failed'), reason: v.string() }),
]);

export type KeyringAnswer = v.InferOutput<typeof keyringAnswer>;
