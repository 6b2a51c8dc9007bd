import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { startExecution, type Execution, type ExecutionRequest } from './execution.js';

/** The first wait, and the longest, in milliseconds. Each is twice the one before. */
const firstMs = 50;
const lastMs = 800;

/** `startExecution` on a connection on which a landing has just ended. */
export async function startAfterLanding(
  transport: Transport,
  request: ExecutionRequest,
  world: Parameters<typeof startExecution>[2],
): Promise<Execution> {
  return afterAnother(() => startExecution(transport, request, world), world);
}

/**
 * What opens a channel on a connection on which another has just ended: it may be counted over there for a moment longer,
 * by a server that allows only one.
 */
export async function afterAnother<T>(
  open: () => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T> {
  for (let delayMs = firstMs; ; delayMs *= 2) {
    try {
      return await open();
    } catch (error) {
      if (!isWithoutChannel(error) || delayMs > lastMs) throw error;
      await clock.sleep(delayMs, signal);
    }
  }
}

/** Nothing has been started then. A server that has no terminal to give has opened a channel before. */
function isWithoutChannel(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'ssh.channel_refused' && 'sshReason' in error.facts;
}
