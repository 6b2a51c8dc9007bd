import { SidecarError } from '../../src/errors.js';
import type { Forward } from '../../src/forward/forward.js';
import { addressText, parseForward, type ForwardSpec } from '../../src/transport/forward-spec.js';
import type { Settings } from '../../src/sidecars/settings.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { landingHere } from '../landing.js';
import { openSidecars, settingsHere } from '../sidecars.js';
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
  const given = { local: specs.map(parseForward), remote: remoteSpecs.map(parseForward) };
  const isGiven = specs.length + remoteSpecs.length > 0;
  const { local, remote } = isGiven ? given : forwardsOf(await settingsHere(context, openSidecars(context)));
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

/** Those of the settings. Throws `usage.invalid` where there are none, or none that count. */
function forwardsOf({ forwards: { value }, withheld }: Settings): Record<'local' | 'remote', ForwardSpec[]> {
  if (value.length === 0 && withheld?.keys.includes('forwards') === true) {
    const reason = `the forwards of ${withheld.file} have not been allowed`;
    throw new SidecarError('usage.invalid', { reason, suggestion: 'once you trust them, run `sidecar allow`' });
  }
  if (value.length === 0) {
    const suggestion = 'name a port, as in `sidecar forward 8080`, or put `forwards` into a settings file';
    throw new SidecarError('usage.invalid', { reason: 'there is nothing to forward', suggestion });
  }
  const remotes = value.flatMap((each) => (typeof each === 'string' ? [] : [each.remote]));
  const locals = value.filter((each) => typeof each === 'string');
  return { local: locals.map(parseForward), remote: remotes.map(parseForward) };
}

function words({ direction, listen, target }: Forward, sidecar: string): Line {
  return direction === 'local'
    ? [{ text: addressText(listen), style: 'bold' }, ` → ${addressText(target)} on ${sidecar}`]
    : [{ text: addressText(listen), style: 'bold' }, ` on ${sidecar} → ${addressText(target)} here`];
}
