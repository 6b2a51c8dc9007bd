import type { Sidecars } from '../../src/client.js';
import { SidecarError } from '../../src/errors.js';
import { durationRule, parseDuration } from '../../src/sidecars/duration.js';
import { generateName } from '../../src/sidecars/names.js';
import { afterLandingHere } from '../after-landing.js';
import { selector } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { landProved } from '../land-proved.js';
import { providerOptions, type OptionFlags } from '../provider-options.js';
import { createReplicas, replicaNames, type Created } from '../replicas.js';
import { sidecarDocument, type SidecarDocument } from '../sidecar-document.js';
import { openSidecars } from '../sidecars.js';
import { exitCode } from '../ui/exit-codes.js';
import type { Line } from '../ui/line.js';
import { formatSeconds } from '../ui/quantities.js';
import { createReporter } from '../ui/reporter.js';
import { driftWarning, keptWarning, syncSummary } from '../ui/sync-summary.js';

export interface CreateFlags extends OptionFlags {
  readonly provider: string;
  readonly swarm?: boolean;
  readonly replicas?: string;
  readonly server?: string;
  readonly image?: string;
  readonly workdir?: string;
  readonly bootDelay?: string;
  readonly sync?: boolean;
  /** False after `--no-use`. */
  readonly use: boolean;
}

/** Waits for nothing: `wait` and `sync` wait for the boot; so does `--sync`, which is both commands in one. */
export async function create(context: Context, given: string | undefined, flags: CreateFlags): Promise<number> {
  const { output } = context;
  const sidecars = openSidecars(context);
  const name = given ?? (await newName(sidecars));
  const request: Request = { sidecars, flags, provider: providerOf(flags), bootDelayMs: bootDelay(flags.bootDelay) };
  const names = replicaNames(name, flags.replicas);
  if (names.length === 1) {
    const select = flags.use ? await selector(context, sidecars) : undefined;
    const { document, lines } = await createOne(context, name, { ...request, select });
    output.outcome(document, lines);
    return exitCode.done;
  }
  const making = createReplicas(context, names, (each, onMade) => createOne(context, each, { ...request, onMade }));
  // A landing is cut off by Ctrl-C; creations come to their end, and are told.
  return flags.sync === true ? making : context.finishing(making);
}

interface Request {
  readonly sidecars: Sidecars;
  readonly flags: CreateFlags;
  readonly provider: string;
  readonly bootDelayMs: number;
  /** Makes it the current one. */
  readonly select?: ((name: string) => Promise<void>) | undefined;
  /** Told of the sidecar, whatever becomes of the landing that follows. */
  readonly onMade?: (document: object) => void;
}

async function createOne(
  context: Context,
  name: string,
  { sidecars, flags, provider, bootDelayMs, select, onMade }: Request,
): Promise<Created> {
  const { image, workdir, server } = flags;
  const { clock, directory, output, signal, finishing } = context;
  const startedMs = clock.now();
  const options = { ...providerOptions(flags), ...(bootDelayMs > 0 ? { bootDelayMs } : {}) };
  const emit = createReporter(output, name);
  // Also after Ctrl-C, what was begun is ended, or looked for and told.
  const record = await finishing(
    sidecars.create({ name, provider, server, image, workdir, options, directory, emit, signal }),
  );
  await select?.(name);
  const line: Line = [
    { text: '✓ ', style: 'green' },
    `created ${name}`,
    select === undefined ? '' : ', now the current sidecar',
    bootDelayMs > 0 ? `; it boots for ${formatSeconds(bootDelayMs)}` : '',
  ];
  const document = sidecarDocument(record, { current: select !== undefined });
  onMade?.(document);
  if (flags.sync !== true) return { document, lines: [line] };
  output.note(...line);
  return landFirst(context, { name, document, startedMs });
}

/** What was made stays, whatever becomes of the landing. */
async function landFirst(
  context: Context,
  { name, document, startedMs }: { name: string; document: SidecarDocument; startedMs: number },
): Promise<Created> {
  const { clock, output } = context;
  const sinceMs = (): number => Math.round(clock.now() - startedMs);
  const createMs = sinceMs();
  const after = await afterLandingHere(context, {});
  let totalMs = createMs;
  const onLanded = (): void => {
    totalMs = sinceMs();
  };
  const sync = await landProved(context, { sidecar: name, flags: {}, after, onLanded });
  for (const warning of [driftWarning(sync), keptWarning(sync)]) if (warning !== undefined) output.warn(warning);
  const total = `${name} holds the working tree, proved, ${formatSeconds(totalMs)} after its creation began`;
  return {
    document: { ...document, sync, ms: { create: createMs, total: totalMs } },
    lines: [syncSummary(sync), [total]],
  };
}

/** A service of a swarm is what makes a machine of its own kind. */
function providerOf({ provider, server, swarm = false }: CreateFlags): string {
  if (server !== undefined && provider !== 'api')
    throw new SidecarError('usage.invalid', { reason: '--server goes with `--provider api`', value: provider });
  if (!swarm) return provider;
  if (provider === 'docker' || provider === 'swarm') return 'swarm';
  throw new SidecarError('usage.invalid', { reason: '--swarm goes with `--provider docker`', value: provider });
}

async function newName({ registry }: Sidecars): Promise<string> {
  return generateName((await registry.list()).map(({ name }) => name));
}

function bootDelay(text = '0'): number {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SidecarError('usage.invalid', { reason: `--boot-delay must be 0 or ${durationRule}`, value: text });
}
