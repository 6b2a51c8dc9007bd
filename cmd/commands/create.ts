import type { Sidecars } from '../../src/client.js';
import { SidecarError } from '../../src/errors.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import { generateName } from '../../src/sidecars/names.js';
import { selector } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { sidecarDocument } from '../sidecar-document.js';
import { openSidecars } from '../sidecars.js';
import { formatSeconds } from '../ui/quantities.js';

export interface CreateFlags {
  readonly provider: string;
  readonly workdir?: string;
  readonly bootDelay?: string;
  /** False after `--no-use`. */
  readonly use: boolean;
}

/** Waits for nothing: `wait` and `sync` wait for the boot. */
export async function create(context: Context, given: string | undefined, flags: CreateFlags): Promise<void> {
  const { provider, workdir } = flags;
  if (provider !== 'local') {
    throw new SidecarError('usage.invalid', { reason: `there is no provider named ${provider}; there is: local` });
  }
  const bootDelayMs = bootDelay(flags.bootDelay);
  const sidecars = openSidecars(context);
  const name = given ?? (await newName(sidecars));
  const select = flags.use ? await selector(context, sidecars) : undefined;
  const record = await sidecars.create({ name, bootDelayMs, workdir });
  await select?.(name);
  context.output.outcome(sidecarDocument(record, { current: flags.use }), [
    [
      { text: '✓ ', style: 'green' },
      `created ${name}`,
      flags.use ? ', now the current sidecar' : '',
      bootDelayMs > 0 ? `; it boots for ${formatSeconds(bootDelayMs)}` : '',
    ],
  ]);
}

async function newName({ registry }: Sidecars): Promise<string> {
  return generateName((await registry.list()).map(({ name }) => name));
}

function bootDelay(text = '0'): number {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SidecarError('usage.invalid', { reason: `--boot-delay must be 0 or ${durationRule}`, value: text });
}
