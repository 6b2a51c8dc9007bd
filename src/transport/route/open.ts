import type { Duplex } from 'node:stream';
import type { SshTarget } from '../target.js';
import { programEnvironment } from './program-environment.js';
import { openTcp } from './tcp.js';

export interface RouteOptions {
  /** What programs are started with. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * A new stream to the target, over whatever its route is. A stream that ends by itself is destroyed with a `SidecarError`
 * where it knows why.
 *
 * Throws `ssh.unreachable`, retryable where waiting may help, `ssh.tunnel_refused`, `ssh.config_invalid`, or the signal's
 * reason.
 */
export async function openRoute(target: SshTarget, { env, signal }: RouteOptions): Promise<Duplex> {
  const { route } = target;
  switch (route?.kind) {
    case undefined:
      return openTcp(target);
    case 'stream':
      return route.open(signal);
    case 'command': {
      const { openCommand } = await import('./command.js');
      return openCommand(route.argv, { env: programEnvironment(env) });
    }
    case 'websocket': {
      const { openWebSocket } = await import('./websocket.js');
      return openWebSocket(route, { env, signal });
    }
    case 'jump':
      throw new TypeError('whoever connects goes over the hops: see hopsOf');
  }
}
