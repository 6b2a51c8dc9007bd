import { SidecarError } from '../../src/errors.js';
import { askDaemon } from '../../src/daemon/client.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { landingAsked, landingHere } from '../landing.js';
import { callerOf, throughDaemon } from '../through-daemon.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { lateReporter } from '../ui/reporter.js';

export interface WaitFlags {
  readonly timeout?: string;
}

export async function wait(context: Context, { timeout }: WaitFlags): Promise<void> {
  if (timeout !== undefined && parseDuration(timeout) === undefined) {
    throw new SidecarError('usage.invalid', { reason: `--timeout must be ${durationRule}`, value: timeout });
  }
  const { emit, chosen } = lateReporter(context.output);
  let name = '';
  const tellName = (sidecar: string): void => chosen((name = sidecar));
  const askPassphrase = passphrasePrompt(context);
  const flags = { ...(timeout === undefined ? {} : { connectTimeout: timeout }) };
  const caller = callerOf(context, landingAsked(context, flags));
  const opened = await throughDaemon(context, {
    ask: (options) => askDaemon({ command: 'wait', ...caller, canAsk: askPassphrase !== undefined }, options),
    ...{ caller, emit, chosen: tellName, askPassphrase },
    directly: async (how) => {
      const { sidecars, record, deadlineMs } = await landingHere(context, flags);
      tellName(record.name);
      const { signal } = context;
      const session = await aboutSidecar(record.name, () =>
        sidecars.open(record, { deadlineMs: deadlineMs - how.spentMs, emit: how.emit, askPassphrase, signal }),
      );
      await session.transport.close();
      return { attempts: session.attempts, elapsedMs: session.elapsedMs };
    },
  });
  const elapsedMs = Math.round(opened.elapsedMs);
  context.output.outcome({ sidecar: name, attempts: opened.attempts, elapsedMs }, [
    [{ text: '✓ ', style: 'green' }, `${name} is ready`],
  ]);
}
