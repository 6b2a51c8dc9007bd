import * as v from 'valibot';

/** What the registry keeps of one sidecar. Read back from disk, so checked: see registry.ts. */
export const sidecarRecord = v.strictObject({
  name: v.string(),
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  /** The workspace on the sidecar. Absent: `~/<name of the local directory>`. */
  workdir: v.optional(v.string()),
  /** Host keys pinned to this sidecar, `ssh-ed25519 AAAA…`. */
  hostKeys: v.array(v.string()),
  provider: v.variant('kind', [
    v.strictObject({ kind: v.literal('local') }),
    v.strictObject({
      kind: v.literal('ssh'),
      /** The destination as the user gave it: an address or an alias of `~/.ssh/config`. */
      host: v.string(),
      user: v.optional(v.string()),
      port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))),
      /** An absolute path of a private key file. */
      identity: v.optional(v.string()),
    }),
  ]),
});

export type SidecarRecord = v.InferOutput<typeof sidecarRecord>;
