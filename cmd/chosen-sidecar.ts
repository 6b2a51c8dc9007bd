import { SidecarError } from '../src/errors.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Settings } from '../src/sidecars/settings.js';
import type { Context } from './context.js';
import type { Sidecars } from '../src/client.js';
import { settingsHere } from './sidecars.js';
import { workingTreeHere } from './working-tree.js';

/** The sidecar that a command is about when no argument names one. Throws `sidecar.none_selected` and `sidecar.unknown`. */
export async function chosenSidecar(context: Context, sidecars: Sidecars, settings: Settings): Promise<SidecarRecord> {
  return sidecars.choose(settings, {
    name: context.sidecar,
    root: async () => (await workingTreeHere(context, sidecars)).root,
  });
}

/** The sidecar that an argument names, else the chosen one. Throws `usage.invalid` when `-s` names another. */
export async function namedSidecar(
  context: Context,
  sidecars: Sidecars,
  name: string | undefined,
): Promise<SidecarRecord> {
  if (name === undefined) return chosenSidecar(context, sidecars, await settingsHere(context, sidecars));
  if (context.sidecar !== undefined && context.sidecar !== name) {
    throw new SidecarError('usage.invalid', { reason: `two sidecars are named, ${name} and ${context.sidecar}` });
  }
  return sidecars.registry.get(name);
}

/**
 * Prepares to make a sidecar the current one of the working tree. Whatever can fail for reasons of the place fails here,
 * before anything is made or registered.
 */
export async function selector(context: Context, sidecars: Sidecars): Promise<(name: string) => Promise<void>> {
  const [{ root }, settings] = await Promise.all([workingTreeHere(context, sidecars), settingsHere(context, sidecars)]);
  const { value, source } = settings.sidecar;
  return async (name) => {
    await sidecars.current.set(root, name);
    if (source.kind === 'environment' && value !== name) {
      context.output.warn(`${source.variable} says ${value ?? ''}, which is used instead for as long as it is set`);
    }
  };
}
