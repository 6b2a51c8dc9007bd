import type { Emit, SidecarEvent } from '../../src/events.js';

/** Passes on what is said of these kinds the first time only: what is the same again, of the same path, goes by. */
export function saidOnce(emit: Emit, kinds: readonly SidecarEvent['kind'][]): Emit {
  const said = new Set<string>();
  return (event) => {
    if (kinds.includes(event.kind)) {
      const words = `${event.kind} ${'path' in event ? event.path : ''}`;
      if (said.has(words)) return;
      said.add(words);
    }
    emit(event);
  };
}
