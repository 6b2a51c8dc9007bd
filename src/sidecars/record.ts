import * as v from 'valibot';
import { transportNames } from '../transport/target.js';

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));

/** A machine that a provider made, see provider/provider.ts. */
const madeRecord = v.strictObject({
  kind: v.literal('made'),
  /** The provider's name. */
  by: v.string(),
  /** Tells its creation from every other. */
  requestId: v.string(),
  /** The provider's own name for it. Absent: nobody has heard yet that it was made. */
  id: v.optional(v.string()),
  /** When an attempt to make it was last begun, or over. Absent: when the record was made. */
  askedAt: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  /** What the provider needs to find the place again in which it made it. */
  place: v.record(v.string(), v.string()),
});

export type MadeRecord = v.InferOutput<typeof madeRecord>;

/** What the registry keeps of one sidecar. Read back from disk, so checked: see registry.ts. */
export const sidecarRecord = v.strictObject({
  name: v.string(),
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  /** The workspace on the sidecar. Absent: `~/<name of the local directory>`. */
  workdir: v.optional(v.string()),
  /** Host keys pinned to this sidecar, `ssh-ed25519 AAAA…`. */
  hostKeys: v.array(v.string()),
  /** Host keys pinned for the hosts on the way to it, by `hostKeyName`. */
  hopKeys: v.optional(v.record(v.string(), v.array(v.string()))),
  provider: v.variant('kind', [
    madeRecord,
    v.strictObject({
      kind: v.literal('ssh'),
      /** The destination as the user gave it: an address or an alias of `~/.ssh/config`. */
      host: v.string(),
      user: v.optional(v.string()),
      port: v.optional(port),
      /** An absolute path of a private key file. */
      identity: v.optional(v.string()),
      /** The hosts to jump over, the first to connect to first. Absent: as the user's configuration says. */
      jump: v.optional(
        v.array(v.strictObject({ host: v.string(), user: v.optional(v.string()), port: v.optional(port) })),
      ),
      /** What connects. Absent: chosen by what is configured, see transport/openssh/choice.ts. */
      transport: v.optional(v.picklist(transportNames)),
    }),
  ]),
});

export type SidecarRecord = v.InferOutput<typeof sidecarRecord>;

/** What is kept of the machine of a sidecar that was made. */
export function madeBy({ provider }: SidecarRecord): MadeRecord {
  if (provider.kind !== 'made') throw new TypeError(`not made by a provider: ${provider.kind}`);
  return provider;
}

/** What the user calls the provider of a sidecar: `ssh` for a machine that was adopted. */
export function providerName({ provider }: SidecarRecord): string {
  return provider.kind === 'made' ? provider.by : provider.kind;
}
