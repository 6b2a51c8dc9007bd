import type { ExecutionOptions, Sidecars } from '../src/client.js';
import type { Answer, AskOptions } from '../src/daemon/client.js';
import type { Execution } from '../src/run/execution.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Caller } from './through-daemon.js';

/** Starts a command on the daemon's session: its bytes pass through the daemon, which never begins it anew. */
export async function runThroughDaemon(
  sidecars: Sidecars,
  record: SidecarRecord,
  { caller, request, how }: { readonly caller: Caller; readonly request: ExecutionOptions; readonly how: AskOptions },
): Promise<Answer<Execution>> {
  const { DaemonTransport, WithoutDaemon } = await import('../src/daemon/channel/daemon-transport.js');
  const { emit, askPassphrase } = how;
  const over = new DaemonTransport({ command: 'exec', ...caller, canAsk: askPassphrase !== undefined }, how);
  try {
    const heard = emit === undefined ? {} : { emit };
    return { kind: 'result', result: await sidecars.exec(record, { ...request, ...heard, over }) };
  } catch (error) {
    if (error instanceof WithoutDaemon) return { kind: 'without', why: error.why };
    throw error;
  }
}
