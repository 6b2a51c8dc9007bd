import { SidecarError } from '../../src/errors.js';
import type { Forward } from '../../src/forward/forward.js';
import { addressText, parseForward } from '../../src/forward/spec.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { landingHere } from '../landing.js';
import { passphrasePrompt } from '../ui/ask-passphrase.js';
import type { Line } from '../ui/line.js';
import { createReporter } from '../ui/reporter.js';

export interface ForwardFlags {
  readonly remote?: readonly string[];
  readonly connectTimeout?: string;
}

/** Ends with an error, or with Ctrl-C. */
export async function forward(context: Context, specs: readonly string[], flags: ForwardFlags): Promise<void> {
  const { output, signal } = context;
  const { remote: remoteSpecs = [], ...timeout } = flags;
  if (specs.length + remoteSpecs.length === 0) {
    const suggestion = 'name a port, as in `sidecar forward 8080`';
    throw new SidecarError('usage.invalid', { reason: 'there is nothing to forward', suggestion });
  }
  const [local, remote] = [specs.map(parseForward), remoteSpecs.map(parseForward)];
  const { sidecars, record, deadlineMs } = await landingHere(context, timeout);
  const { name } = record;
  await aboutSidecar(name, async () => {
    const askPassphrase = passphrasePrompt(context);
    const emit = createReporter(output, name);
    const forwarding = await sidecars.forward(record, { local, remote, deadlineMs, askPassphrase, emit, signal });
    const { forwards } = forwarding;
    output.outcome(
      { sidecar: name, forwards },
      forwards.map((each) => words(each, name)),
    );
    await forwarding.ended;
  });
}

function words({ direction, listen, target }: Forward, sidecar: string): Line {
  return direction === 'local'
    ? [{ text: addressText(listen), style: 'bold' }, ` → ${addressText(target)} on ${sidecar}`]
    : [{ text: addressText(listen), style: 'bold' }, ` on ${sidecar} → ${addressText(target)} here`];
}
