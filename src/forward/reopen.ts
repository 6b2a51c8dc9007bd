import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { LostSession, OpenSession } from '../session/open.js';
import type { Open } from '../session/way.js';
import type { CurrentTransport } from './current-transport.js';

export interface Reopening {
  readonly open: Open;
  /** Knows who waits for the session. */
  readonly current: CurrentTransport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once, where the machine sleeps and nobody waits for it. */
  readonly onAsleep: () => void;
}

/** How often a machine that sleeps is looked at, in milliseconds. */
const lookMs = 15_000;

/**
 * Opens a session again whose connection was lost. A machine that sleeps by now is woken for those who connect to a
 * forwarded port here, and left alone until somebody does; that something else woke it is found out as well.
 *
 * Throws what `open` throws, and the signal's reason.
 */
export async function reopen(
  lost: LostSession,
  { open, current, clock, signal, onAsleep }: Reopening,
): Promise<OpenSession> {
  let isTold = false;
  for (let reason: LostSession | undefined = lost; ; reason = undefined) {
    const wake = current.isWanted();
    try {
      return await open(signal, reason, { wake });
    } catch (error) {
      if (wake || !isAsleep(error)) throw error;
    }
    if (current.isWanted()) continue;
    if (!isTold) onAsleep();
    isTold = true;
    await wantedOrDue(current, { clock, signal });
  }
}

/** Resolves when somebody connects, and when the machine is to be looked at again. */
async function wantedOrDue(
  current: CurrentTransport,
  { clock, signal }: Pick<Reopening, 'clock' | 'signal'>,
): Promise<void> {
  const over = new AbortController();
  const due = clock.sleep(lookMs, AbortSignal.any([signal, over.signal]));
  try {
    await Promise.race([current.wanted, due]);
  } finally {
    over.abort();
    due.catch(() => undefined);
  }
}

function isAsleep(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'provider.stopped';
}
