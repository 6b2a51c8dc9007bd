import { SidecarError } from '../../src/errors.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import { chosenSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { openSidecars, settingsHere } from '../sidecars.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import { createReporter } from '../ui/reporter.js';

export interface WaitFlags {
  readonly timeout?: string;
}

export async function wait(context: Context, flags: WaitFlags): Promise<void> {
  const sidecars = openSidecars(context);
  const settings = await settingsHere(context, sidecars);
  const deadlineMs = flags.timeout === undefined ? settings.connectTimeoutMs.value : timeout(flags.timeout);
  const record = await chosenSidecar(context, sidecars, settings);
  const { name } = record;

  const emit = createReporter(context.output, name);
  const session = await aboutSidecar(name, () =>
    sidecars.open(record, { deadlineMs, emit, askPassphrase: passphrasePrompt(context), signal: context.signal }),
  );
  await session.transport.close();

  const { attempts } = session;
  const elapsedMs = Math.round(session.elapsedMs);
  context.output.outcome({ sidecar: name, attempts, elapsedMs }, [
    [{ text: '✓ ', style: 'green' }, `${name} is ready`],
  ]);
}

function timeout(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SidecarError('usage.invalid', { reason: `--timeout must be ${durationRule}`, value: text });
}
