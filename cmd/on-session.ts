import type { ConnectOptions, ExecutionOptions } from '../src/client-options.js';
import type { LandingAsked } from '../src/landing.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Context } from './context.js';
import { callerOf, throughDaemon } from './through-daemon.js';
import { passphrasePrompt } from './ui/ask-passphrase.js';
import { createReporter } from './ui/reporter.js';

/** Which session is to be had. */
export interface SessionAsked {
  readonly record: SidecarRecord;
  readonly asked: LandingAsked;
  /** How long to try to connect, in milliseconds. */
  readonly deadlineMs: number;
}

/** How to have it: over the daemon's, whose bytes pass through the daemon, or by a connection of one's own. */
export type SessionWay = Pick<ConnectOptions, 'emit' | 'askPassphrase' | 'deadlineMs'> & Pick<ExecutionOptions, 'over'>;

/** Starts something over there on the daemon's session, where there is one. It is never begun anew. */
export async function startOnSession<T>(
  context: Context,
  { record, asked, deadlineMs }: SessionAsked,
  start: (way: SessionWay) => Promise<T>,
): Promise<T> {
  const askPassphrase = passphrasePrompt(context);
  const caller = callerOf(context, { ...asked, sidecar: record.name });
  return throughDaemon(context, {
    ...{ caller, askPassphrase, chosen: () => undefined, goesOn: true },
    emit: createReporter(context.output, record.name),
    ask: async (how) => {
      const { DaemonTransport, WithoutDaemon } = await import('../src/daemon/channel/daemon-transport.js');
      const { emit } = how;
      const over = new DaemonTransport({ command: 'exec', ...caller, canAsk: askPassphrase !== undefined }, how);
      const way = { over, askPassphrase, deadlineMs, ...(emit === undefined ? {} : { emit }) };
      try {
        return { kind: 'result', result: await start(way) };
      } catch (error) {
        if (error instanceof WithoutDaemon) return { kind: 'without', why: error.why };
        throw error;
      }
    },
    directly: ({ emit, spentMs }) => start({ emit, askPassphrase, deadlineMs: deadlineMs - spentMs }),
  });
}
