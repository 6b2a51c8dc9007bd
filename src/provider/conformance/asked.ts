import type { Clock } from '../../clock.js';
import { newMs } from '../age.js';
import { deleteMachine } from '../delete-machine.js';
import { refOf } from '../made.js';
import { mayBeApplied } from '../maybe-applied.js';
import type { Machine, MachineRef, MachineSpec, Provider } from '../provider.js';

/** What may be left of the machines that were asked for: each with the reason. */
export interface Remains {
  /** They could not be ended, and have to be by hand. */
  readonly leftBehind: readonly string[];
  /** Nobody heard what came of their making, and their provider, whose reads lag, knew of none as long as they were new. */
  readonly perhapsLeftBehind: readonly string[];
}

interface Asking {
  readonly ref: MachineRef;
  /** `perhaps`: it was asked for, and nobody has heard what came of it. */
  is: 'none' | 'perhaps' | 'made';
  /** How many calls that make it are under way. */
  making: number;
  id?: string;
  /** When its making was last under way. */
  askedMs: number;
}

/** The machines that checks ask for, what is known of each, and the end of all of them. */
export class Asked {
  readonly #provider: Provider;
  readonly #clock: Clock;
  readonly #all: Asking[] = [];

  constructor({ provider, clock }: { readonly provider: Provider; readonly clock: Clock }) {
    this.#provider = provider;
    this.#clock = clock;
  }

  get size(): number {
    return this.#all.length;
  }

  /** One that is to be asked for. */
  add({ name, requestId }: MachineRef): void {
    this.#all.push({ ref: { name, requestId }, is: 'none', making: 0, askedMs: this.#clock.now() });
  }

  async create(spec: MachineSpec, signal: AbortSignal): Promise<Machine> {
    const asking = this.#find(spec);
    if (asking === undefined) return this.#provider.create(spec, { signal });
    const wasNone = asking.is === 'none';
    if (wasNone) asking.is = 'perhaps';
    asking.making += 1;
    try {
      const machine = await this.#provider.create(spec, { signal });
      if (machine.requestId === spec.requestId) Object.assign(asking, { is: 'made', id: machine.id });
      return machine;
    } catch (error) {
      // Of several calls at once, another may have made it, or may still.
      const isRefused = !signal.aborted && !mayBeApplied(error);
      if (isRefused && wasNone && asking.making === 1 && asking.is === 'perhaps') asking.is = 'none';
      throw error;
    } finally {
      asking.making -= 1;
      asking.askedMs = this.#clock.now();
    }
  }

  async delete(ref: MachineRef, signal: AbortSignal): Promise<void> {
    const seen = { isKnown: true };
    await this.#provider.delete(ref, { signal, onUnknown: () => (seen.isKnown = false) });
    const asking = this.#find(ref);
    if (seen.isKnown && asking !== undefined) asking.is = 'none';
  }

  /** Ends whatever was made. One that is too new for its provider to know is looked for, as by `deleteMachine`. */
  async endAll(): Promise<Remains> {
    const ends = await Promise.all(this.#all.map((asking) => this.#end(asking)));
    const those = (kind: keyof Remains): string[] => ends.flatMap((end) => end[kind] ?? []);
    return { leftBehind: those('leftBehind'), perhapsLeftBehind: those('perhapsLeftBehind') };
  }

  async #end(asking: Asking): Promise<Partial<Record<keyof Remains, string>>> {
    const { ref, is, askedMs } = asking;
    const [provider, clock] = [this.#provider, this.#clock];
    // Of what was refused or ended there should be nothing: it is not waited for.
    const leftMs = is === 'none' ? 0 : newMs - (clock.now() - askedMs);
    const refNow = (): Promise<MachineRef> => Promise.resolve(refOf({ ...ref, id: asking.id }));
    try {
      if ((await deleteMachine(refNow, { provider, clock, leftMs })) === 'deleted') return {};
    } catch (error) {
      return { leftBehind: `${ref.name}: ${error instanceof Error ? error.message : String(error)}` };
    }
    return asking.is === 'made'
      ? { leftBehind: `${ref.name}: it was made, and its provider does not know it` }
      : { perhapsLeftBehind: `${ref.name}: nobody heard what came of its making, and its provider knows of none` };
  }

  #find({ requestId }: MachineRef): Asking | undefined {
    return this.#all.find(({ ref }) => ref.requestId === requestId);
  }
}
