import { SidecarError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { startExecution, type Execution, type ExecutionRequest } from './execution.js';

/** The first wait, and the longest, in milliseconds. Each is twice the one before. */
const firstMs = 50;
const lastMs = 800;

/**
 * `startExecution` on a connection on which a landing has just ended: its channel may be counted over there for a moment
 * longer, by a server that allows only one.
 */
export async function startAfterLanding(
  transport: Transport,
  request: ExecutionRequest,
  world: Parameters<typeof startExecution>[2],
): Promise<Execution> {
  for (let delayMs = firstMs; ; delayMs *= 2) {
    try {
      return await startExecution(transport, request, world);
    } catch (error) {
      if (!isWithoutChannel(error) || delayMs > lastMs) throw error;
      await world.clock.sleep(delayMs, world.signal);
    }
  }
}

/** Nothing has been started then. A server that has no terminal to give has opened a channel before. */
function isWithoutChannel(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'ssh.channel_refused' && 'sshReason' in error.facts;
}
