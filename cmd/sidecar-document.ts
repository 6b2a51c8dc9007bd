import { providerName, type SidecarRecord } from '../src/sidecars/record.js';

/** A sidecar in `--json`, the same for every command. */
export interface SidecarDocument {
  readonly name: string;
  /** What made its machine; `ssh`: nothing of ours. */
  readonly provider: string;
  /** Where ssh connects to: `[user@]host[:port]` as it was given to `add`; null where the provider knows. */
  readonly destination: string | null;
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
    workdir: record.workdir ?? null,
    hostKeys: record.hostKeys,
    createdAt: record.createdAt,
    current,
  };
}

function destinationOf({ provider }: SidecarRecord): string | null {
  if (provider.kind !== 'ssh') return null;
  const user = provider.user === undefined ? '' : `${provider.user}@`;
  const host = provider.host.includes(':') ? `[${provider.host}]` : provider.host;
  const port = provider.port === undefined ? '' : `:${provider.port}`;
  return `${user}${host}${port}`;
}
