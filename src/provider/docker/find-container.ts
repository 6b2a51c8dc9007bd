import type { CallOptions, MachineRef } from '../provider.js';
import type { Container } from './engine/answers.js';
import type { Engine } from './engine/engine.js';
import { areOf, labelsOf } from './labels.js';

/** The container of a machine: by its id, else by what it carries, also where it was only half made. */
export async function findContainer(
  engine: Engine,
  ref: MachineRef,
  options: CallOptions,
): Promise<Container | undefined> {
  if (ref.id !== undefined) {
    const known = await engine.container(ref.id, options);
    if (known !== undefined && areOf(known.Config.Labels, ref)) return known;
  }
  for (const id of await engine.containersLabelled(labelsOf(ref), options)) {
    const found = await engine.container(id, options); // gone meanwhile: not found
    // What stands before an engine may make nothing of filters, and list those of others.
    if (found !== undefined && areOf(found.Config.Labels, ref)) return found;
  }
  return undefined;
}
