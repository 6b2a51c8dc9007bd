import type { TransportName } from '../src/transport/target.js';
import { providerName, type SidecarRecord } from '../src/sidecars/record.js';
import { destinationText } from '../src/transport/destination.js';

/** A sidecar in `--json`, the same for every command. */
export interface SidecarDocument {
  readonly name: string;
  /** What made its machine; `ssh`: nothing of ours. */
  readonly provider: string;
  /** Where ssh connects to: `[user@]host[:port]` as it was given to `add`; null where the provider knows. */
  readonly destination: string | null;
  /** The hosts to jump over that were given to `add`; null where ~/.ssh/config says, or the provider knows. */
  readonly jump: readonly string[] | null;
  /** What connects, where `add` was told; null where it is chosen at each connection. */
  readonly transport: TransportName | null;
  /** The workspace, when one was set for this sidecar. */
  readonly workdir: string | null;
  readonly hostKeys: readonly string[];
  readonly createdAt: string;
  /** Whether commands run here use it. */
  readonly current: boolean;
}

export function sidecarDocument(record: SidecarRecord, { current }: { readonly current: boolean }): SidecarDocument {
  return {
    name: record.name,
    provider: providerName(record),
    destination: destinationOf(record),
    jump: jumpOf(record),
    transport: record.provider.kind === 'ssh' ? (record.provider.transport ?? null) : null,
    workdir: record.workdir ?? null,
    hostKeys: record.hostKeys,
    createdAt: record.createdAt,
    current,
  };
}

function destinationOf({ provider }: SidecarRecord): string | null {
  if (provider.kind !== 'ssh') return null;
  return destinationText(provider);
}

function jumpOf({ provider }: SidecarRecord): string[] | null {
  return provider.kind === 'ssh' ? (provider.jump?.map(destinationText) ?? null) : null;
}
