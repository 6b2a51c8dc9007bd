import { SidecarError, type Facts } from '../../errors.js';
import type { Sidecar } from '../../control/answers.js';
import { hostKeyLine, parsePublicKey } from '../../transport/public-key.js';
import type { Machine } from '../provider.js';

/**
 * A sidecar of the control plane, in the terms of providers. Throws `provider.protocol`, with what it is `about`, for a host
 * key that is none.
 */
export function machineOf(sidecar: Sidecar, about: Facts): Machine {
  const { id, name, requestId, state, reason, workdir, ssh } = sidecar;
  return {
    ...{ id, name, requestId, state: state === 'standby' ? 'stopped' : state },
    ...(reason === undefined ? {} : { reason }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(ssh === undefined
      ? {}
      : { ssh: { ...ssh, hostKeys: ssh.hostKeys.map((line) => withoutComment(line, about)) } }),
  };
}

function withoutComment(line: string, about: Facts): string {
  const key = parsePublicKey(line);
  if (key !== undefined) return hostKeyLine(key);
  const facts = { ...about, provider: 'api', reason: `it gave a host key that is none: ${line}` };
  throw new SidecarError('provider.protocol', facts, { retryable: false });
}
