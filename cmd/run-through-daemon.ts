import type { Answer, AskOptions } from '../src/daemon/client.js';
import type { DaemonTransport } from '../src/daemon/channel/daemon-transport.js';
import type { Emit } from '../src/events.js';
import type { Caller } from './through-daemon.js';

/** Starts something on the daemon's session: its bytes pass through the daemon, which never begins it anew. */
export async function runThroughDaemon<T>(
  { caller, how }: { readonly caller: Caller; readonly how: AskOptions },
  start: (way: { readonly over: DaemonTransport; readonly emit?: Emit }) => Promise<T>,
): Promise<Answer<T>> {
  const { DaemonTransport, WithoutDaemon } = await import('../src/daemon/channel/daemon-transport.js');
  const { emit, askPassphrase } = how;
  const over = new DaemonTransport({ command: 'exec', ...caller, canAsk: askPassphrase !== undefined }, how);
  try {
    return { kind: 'result', result: await start({ over, ...(emit === undefined ? {} : { emit }) }) };
  } catch (error) {
    if (error instanceof WithoutDaemon) return { kind: 'without', why: error.why };
    throw error;
  }
}
