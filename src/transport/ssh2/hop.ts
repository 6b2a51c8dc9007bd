import type { Duplex } from 'node:stream';
import { SidecarError } from '../../errors.js';
import type { Address, Transport } from '../transport.js';
import type { OpenStream } from './dial.js';
import { onTheWay } from './errors.js';

/** Streams that a server on the way, `hop`, opens to the next one. */
export function overHop(transport: Transport, { hop, to }: { readonly hop: string; readonly to: Address }): OpenStream {
  return (signal) =>
    new Promise<Duplex>((resolve, reject) => {
      // A stream that comes too late ends with the connection to the hop.
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      transport
        .forward({ host: to.host, port: to.port })
        .then(resolve, (error: unknown) => reject(asOfHop(error, { hop, to })))
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
}

/** RFC 4254 §5.1, SSH_OPEN_CONNECT_FAILED: what a hop says of a machine that does not listen yet. */
const connectFailed = 2;

function asOfHop(error: unknown, { hop, to }: { readonly hop: string; readonly to: Address }): Error {
  if (!(error instanceof SidecarError)) return error instanceof Error ? error : new Error(String(error));
  if (error.facts['sshReason'] !== connectFailed) return atHop(error, { hop, to });
  const { host, port } = to;
  const reason = `${hop} says: ${String(error.facts['reason']).toLowerCase()}`;
  // Not the refused channel itself is the cause: by itself, that is nothing to wait for.
  const options = { cause: error.cause, retryable: true };
  return new SidecarError('ssh.unreachable', { host, port, hop, stage: 'dial', reason }, options);
}

/** The same error, which says at which hop it was met. `to` is where the way was to lead. */
export function atHop(error: SidecarError, { hop, to }: { readonly hop: string; readonly to: Address }): SidecarError {
  const { code, facts, message, retryable } = error;
  const options = { cause: error, ...(retryable === undefined ? {} : { retryable }) };
  if (code !== 'ssh.unreachable' && code !== 'ssh.connection_lost')
    return new SidecarError(code, { hop, ...facts }, options);
  const reason = onTheWay(hop, String(facts['reason'] ?? message));
  return new SidecarError('ssh.unreachable', { ...facts, host: to.host, port: to.port, hop, reason }, options);
}
