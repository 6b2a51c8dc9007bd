import type { Sidecars } from '../../src/client.js';
import { SidecarError } from '../../src/errors.js';
import type { ProviderOptions } from '../../src/provider/provider.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import { generateName } from '../../src/sidecars/names.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import { afterLandingHere } from '../after-landing.js';
import { selector } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { landProved } from '../land-proved.js';
import { sidecarDocument } from '../sidecar-document.js';
import { openSidecars } from '../sidecars.js';
import type { Line } from '../ui/line.js';
import { formatSeconds } from '../ui/quantities.js';
import { createReporter } from '../ui/reporter.js';
import { driftWarning, keptWarning, syncSummary } from '../ui/sync-summary.js';

export interface CreateFlags {
  readonly provider: string;
  readonly image?: string;
  readonly workdir?: string;
  readonly bootDelay?: string;
  /** `key=value`, as they were given. */
  readonly option?: readonly string[];
  readonly sync?: boolean;
  /** False after `--no-use`. */
  readonly use: boolean;
}

/** Waits for nothing: `wait` and `sync` wait for the boot; so does `--sync`, which is both commands in one. */
export async function create(context: Context, given: string | undefined, flags: CreateFlags): Promise<void> {
  const { provider, image, workdir } = flags;
  const { clock, output, signal } = context;
  const startedMs = clock.now();
  const bootDelayMs = bootDelay(flags.bootDelay);
  const options = { ...parseOptions(flags.option ?? []), ...(bootDelayMs > 0 ? { bootDelayMs } : {}) };
  const sidecars = openSidecars(context);
  const name = given ?? (await newName(sidecars));
  const select = flags.use ? await selector(context, sidecars) : undefined;
  const emit = createReporter(output, name);
  const record = await sidecars.create({ name, provider, image, workdir, options, emit, signal });
  await select?.(name);
  const created: Line = [
    { text: '✓ ', style: 'green' },
    `created ${name}`,
    flags.use ? ', now the current sidecar' : '',
    bootDelayMs > 0 ? `; it boots for ${formatSeconds(bootDelayMs)}` : '',
  ];
  const document = sidecarDocument(record, { current: flags.use });
  if (flags.sync === true) await landFirst(context, { record, document, created, startedMs });
  else output.outcome(document, [created]);
}

interface Made {
  readonly record: SidecarRecord;
  readonly document: ReturnType<typeof sidecarDocument>;
  readonly created: Line;
  readonly startedMs: number;
}

/** What was made stays, whatever becomes of the landing. */
async function landFirst(context: Context, { record: { name }, document, created, startedMs }: Made): Promise<void> {
  const { clock, output } = context;
  output.note(...created);
  const createMs = Math.round(clock.now() - startedMs);
  const after = await afterLandingHere(context, {});
  await landProved(context, {
    ...{ sidecar: name, flags: {}, after },
    onLanded: (sync) => {
      for (const warning of [driftWarning(sync), keptWarning(sync)]) if (warning !== undefined) output.warn(warning);
      const totalMs = Math.round(clock.now() - startedMs);
      const total = `${name} holds the working tree, proved, ${formatSeconds(totalMs)} after its creation began`;
      output.outcome({ ...document, sync, ms: { create: createMs, total: totalMs } }, [syncSummary(sync), [total]]);
    },
  });
}

async function newName({ registry }: Sidecars): Promise<string> {
  return generateName((await registry.list()).map(({ name }) => name));
}

function bootDelay(text = '0'): number {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SidecarError('usage.invalid', { reason: `--boot-delay must be 0 or ${durationRule}`, value: text });
}

/** What is given more than once is a list. */
function parseOptions(given: readonly string[]): ProviderOptions {
  const options = new Map<string, string | string[]>();
  for (const text of given) {
    const [, key, value] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) {
      throw new SidecarError('usage.invalid', { reason: '--option is written KEY=VALUE', value: text });
    }
    const before = options.get(key);
    options.set(key, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(options);
}
