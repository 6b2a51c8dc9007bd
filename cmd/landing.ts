import type { LandOptions, Sidecars } from '../src/client.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Settings } from '../src/sidecars/settings.js';
import { chosenSidecar } from './chosen-sidecar.js';
import type { Context } from './context.js';
import { openSidecars, settingsHere } from './sidecars.js';
import { passphrasePrompt } from './ui/ask-passphrase.js';
import { workingTreeHere } from './working-tree.js';

/** The flags of every command that lands the working tree. */
export interface LandingFlags {
  readonly drift?: string;
  readonly adopt?: boolean;
  readonly connectTimeout?: string;
}

export interface Landing {
  readonly sidecars: Sidecars;
  readonly record: SidecarRecord;
  /** Everything but how to tell of it. To be asked for where errors are said to be about the sidecar. */
  readonly options: () => Promise<Omit<LandOptions, 'emit'> & { readonly signal: AbortSignal }>;
}

/** What is to be landed and where, by flags and settings. Throws what choosing a sidecar and reading settings do. */
export async function landingHere(context: Context, flags: LandingFlags): Promise<Landing> {
  const { drift, connectTimeout, adopt = false } = flags;
  const sidecars = openSidecars(context);
  const settings = await settingsHere(context, sidecars, { drift, connectTimeout });
  const record = await chosenSidecar(context, sidecars, settings);
  const workdir = workspaceOf(record, settings);
  return {
    sidecars,
    record,
    options: async () => ({
      directory: await workingTreeHere(context, sidecars),
      ...(workdir === undefined ? {} : { workdir }),
      drift: settings.drift.value,
      adopt,
      deadlineMs: settings.connectTimeoutMs.value,
      askPassphrase: passphrasePrompt(context),
      signal: context.signal,
    }),
  };
}

/** What was said of this one sidecar outweighs what a file says of all of them, and a variable says it for this once. */
function workspaceOf(record: SidecarRecord, { workdir }: Settings): string | undefined {
  return workdir.source.kind === 'environment' ? workdir.value : (record.workdir ?? workdir.value);
}
