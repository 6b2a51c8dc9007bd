import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Address } from '../transport/transport.js';
import { breakOff, join } from './join.js';
import type { CurrentTransport } from './current-transport.js';
import { addressText, type ForwardSpec } from '../transport/forward-spec.js';

/** A port on this machine that leads to the sidecar. */
export interface LocalForward {
  /** With the real port. */
  readonly listen: Address;
  readonly target: Address;
  /** Ends it with all its connections. */
  close(): void;
}

/**
 * Listens here, and connects each connection to the target as the sidecar sees it. One that comes while there is no session
 * waits for the next. Throws `forward.local_refused`.
 */
export async function forwardFromHere(
  { listen, target }: ForwardSpec,
  { current, emit }: { readonly current: CurrentTransport; readonly emit: Emit },
): Promise<LocalForward> {
  const sockets = new Set<Socket>();
  let isRefusing = false;
  let real = listen;

  const carry = async (socket: Socket): Promise<void> => {
    try {
      const stream = await forwarded(socket, current, target);
      isRefusing = false;
      if (socket.destroyed) stream.destroy();
      else join(socket, stream);
    } catch (error) {
      breakOff(socket);
      if (isRefusing || !isRefusal(error)) return;
      isRefusing = true;
      const reason = String(error.facts['reason']);
      emit({ kind: 'forward.refused', side: 'here', listen: addressText(real), target: addressText(target), reason });
    }
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('close', () => sockets.delete(socket));
    void carry(socket);
  });
  server.listen({ port: listen.port, ...(listen.host === '*' ? {} : { host: listen.host }), exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(listen, error as NodeJS.ErrnoException);
  }
  server.on('error', () => undefined); // one connection less, out of file descriptors
  real = { host: listen.host, port: (server.address() as AddressInfo).port };
  return {
    listen: real,
    target,
    close: () => {
      server.close();
      for (const socket of sockets) breakOff(socket);
    },
  };
}

/** Over the session that there is, or over the next where that one is found lost. */
async function forwarded(socket: Socket, current: CurrentTransport, target: Address): Promise<Duplex> {
  for (;;) {
    const transport = await current.get();
    if (socket.destroyed) throw new Error('nobody waits any more');
    try {
      return await transport.forward(target);
    } catch (error) {
      if (isRefusal(error)) throw error;
      // Those who open the next one were told before.
      await transport.closed;
    }
  }
}

function isRefusal(error: unknown): error is SidecarError {
  return error instanceof SidecarError && error.code === 'ssh.channel_refused';
}

function cannotListen(listen: Address, cause: NodeJS.ErrnoException): SidecarError {
  const { code: errno = 'unknown', message } = cause;
  const facts = { listenHost: listen.host, listenPort: listen.port, errno, reason: reasons[errno] ?? message };
  return new SidecarError('forward.local_refused', facts, { cause, retryable: false });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'ports below 1024 are for administrators',
  EADDRNOTAVAIL: 'that is no address of this machine',
  ENOTFOUND: 'that name does not resolve',
};
