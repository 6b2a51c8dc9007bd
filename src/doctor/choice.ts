import path from 'node:path';
import { asSidecarError, SidecarError } from '../errors.js';
import type { WorkingTree } from '../git/working-tree.js';
import { CurrentSidecar } from '../sidecars/current.js';
import { providerName, type SidecarRecord } from '../sidecars/record.js';
import { registryStore } from '../sidecars/registry-file.js';
import { Registry } from '../sidecars/registry.js';
import { readSettings, type Settings } from '../sidecars/settings.js';
import { ok, skipped, type Verdict } from './check.js';
import type { Patient } from './patient.js';

/** The sidecar that a command would use, by whatever can be read of what decides that. */
export interface Choice {
  readonly record: SidecarRecord | undefined;
  /** Undefined where they cannot be read. */
  readonly settings: Settings | undefined;
  readonly verdict: Verdict;
}

/** Never rejects: why none is chosen is the verdict. */
export async function chooseSidecar(patient: Patient, tree: Promise<WorkingTree>): Promise<Choice> {
  const { env, directory, home, sidecar: name } = patient;
  const settings = await readSettings({ flags: {}, env, directory, configDir: home.configDir }).catch(() => undefined);
  const store = registryStore(home.stateDir);
  const registry = new Registry(store);
  const current = new CurrentSidecar(store);
  try {
    const chosen = name ?? (await selectedFor(await placesOf(directory, tree), { current, settings }));
    const record = await registry.get(chosen);
    return { record, settings, verdict: ok('sidecar.chosen', { name: chosen, kind: providerName(record) }) };
  } catch (error) {
    return { record: undefined, settings, verdict: whyNone(error) };
  }
}

/** The root of the working tree; or, where git cannot tell which that is, all that it could be. */
function placesOf(directory: string, tree: Promise<WorkingTree>): Promise<readonly string[]> {
  return tree.then(
    ({ root }) => [root],
    () => ancestors(directory),
  );
}

function ancestors(directory: string): readonly string[] {
  const parent = path.dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestors(parent)];
}

/** Throws `sidecar.none_selected`, and what reading the registry throws. */
async function selectedFor(
  places: readonly string[],
  { current, settings }: { readonly current: CurrentSidecar; readonly settings: Settings | undefined },
): Promise<string> {
  for (const place of places) {
    const selected = await current.find(place);
    const suggested = settings?.sidecar;
    if (suggested !== undefined && (selected ?? suggested.value) !== undefined) return current.choose(place, suggested);
    if (selected !== undefined) return selected;
  }
  return current.get(places[0] ?? '/');
}

function whyNone(error: unknown): Verdict {
  if (!(error instanceof SidecarError)) return { result: 'failed', error: asSidecarError(error) };
  if (error.code.startsWith('state.')) return { result: 'skipped', because: 'registry' };
  if (error.code !== 'sidecar.none_selected') return { result: 'failed', error };
  const { known } = error.facts;
  return skipped('sidecar.none', { known: Array.isArray(known) ? (known as readonly string[]) : [] });
}
