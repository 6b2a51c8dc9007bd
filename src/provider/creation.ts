import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { Emit } from '../events.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { Registry } from '../sidecars/registry.js';
import { askedForAt } from './age.js';
import { withMachine } from './made.js';
import type { Capabilities, Machine, MachineSpec, Provider } from './provider.js';

export interface CreateDeps {
  readonly provider: Provider;
  readonly registry: Registry;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds since 1970. Default: the system's. */
  readonly timeOfDay?: (() => number) | undefined;
}

/** One that is under way, whose sidecar was put on the list. */
export interface Creation extends CreateDeps {
  readonly record: SidecarRecord;
  readonly timeOfDay: () => number;
  readonly spec: MachineSpec;
  readonly capabilities: Capabilities;
  /** Whether there may be a machine by now. */
  uncertain: boolean;
  /** What the last attempt failed with. */
  failure?: unknown;
  /** What was found after that. */
  found?: Machine | undefined;
}

/**
 * Remembers that its machine was asked for just now: from now on it may take its time until it is known. Where that cannot be
 * written, it counts from earlier on. False: the sidecar was deleted meanwhile.
 */
export async function noteAsked({ registry, record, timeOfDay, found }: Creation): Promise<boolean> {
  const change = (current: SidecarRecord): SidecarRecord =>
    askedForAt(found === undefined ? current : withMachine(current, found), timeOfDay);
  return registry.update(record.name, change, record).then(
    () => true,
    (error: unknown) => !isUnknown(error),
  );
}

/** That there is no such sidecar on the list. */
export function isUnknown(error: unknown): boolean {
  return error instanceof SidecarError && error.code === 'sidecar.unknown';
}
