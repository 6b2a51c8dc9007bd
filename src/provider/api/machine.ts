import { SidecarError, type Facts } from '../../errors.js';
import type { Sidecar } from '../../control/answers.js';
import { hostKeyLine, parsePublicKey } from '../../transport/public-key.js';
import type { Machine } from '../provider.js';

export interface Reading {
  /** What was asked, for errors. */
  readonly about: Facts;
  /** What the service says, as it may be shown. */
  readonly words: (text: string) => string;
}

/** A sidecar of the control plane, in the terms of providers. Throws `provider.protocol` for a host key that is none. */
export function machineOf(sidecar: Sidecar, reading: Reading): Machine {
  const { id, name, requestId, state, reason, workdir, ssh } = sidecar;
  return {
    ...{ id, name, requestId, state: state === 'standby' ? 'stopped' : state },
    ...(reason === undefined ? {} : { reason: reading.words(reason) }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(ssh === undefined
      ? {}
      : { ssh: { ...ssh, hostKeys: ssh.hostKeys.map((line) => withoutComment(line, reading)) } }),
  };
}

function withoutComment(line: string, { about, words }: Reading): string {
  const key = parsePublicKey(line);
  if (key !== undefined) return hostKeyLine(key);
  const facts = { ...about, provider: 'api', reason: `it gave a host key that is none: ${words(line)}` };
  throw new SidecarError('provider.protocol', facts, { retryable: false });
}
