import { connect, type Socket } from 'node:net';
import type { SshTarget } from '../target.js';

/** Straight to host and port. The socket still connects, and whoever has it is told what becomes of it. */
export function openTcp({ host, port, addressFamily, bindAddress }: SshTarget): Socket {
  // A socket of our own: ssh2 would not set TCP_NODELAY, and Node would give each address of a name 250 ms only.
  return connect({
    ...{ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: 2_500 },
    ...(addressFamily === undefined ? {} : { family: addressFamily }),
    ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
  });
}
