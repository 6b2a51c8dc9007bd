import type { SidecarRecord } from '../sidecars/record.js';
import { localProvider, type LocalDeps } from './local.js';
import type { Provider } from './provider.js';
import { sshHostProvider, type SshHostDeps } from './ssh-host.js';

/** The provider of a sidecar. */
export function providers(deps: LocalDeps & SshHostDeps): (record: SidecarRecord) => Provider {
  const byKind: Readonly<Record<Provider['kind'], Provider>> = {
    local: localProvider(deps),
    ssh: sshHostProvider(deps),
  };
  return (record) => byKind[record.provider.kind];
}
