import { SidecarError } from '../src/errors.js';
import type { ProviderOptions } from '../src/provider/provider.js';

/** What a provider is told of the machine that it is to make: flags with a name of their own, and any other. */
export interface OptionFlags {
  readonly publish?: string;
  readonly volume?: readonly string[];
  readonly env?: readonly string[];
  readonly cpus?: string;
  readonly memory?: string;
  readonly constraint?: readonly string[];
  readonly devcontainer?: string | boolean;
  /** `key=value`, as they were given. */
  readonly option?: readonly string[];
}

/** Whether it knows an option is for the provider to say. Throws `usage.invalid` for one that is written wrongly. */
export function providerOptions({ option = [], ...flags }: OptionFlags): ProviderOptions {
  const { publish, volume, env, cpus, memory, constraint, devcontainer } = flags;
  const named = Object.entries({ publish, volume, env, cpus, memory, constraint, devcontainer });
  const options = new Map(
    named.filter((entry): entry is [string, NonNullable<(typeof entry)[1]>] => entry[1] !== undefined),
  );
  for (const text of option) {
    const [, key, value] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) {
      throw new SidecarError('usage.invalid', { reason: '--option is written KEY=VALUE', value: text });
    }
    const before = options.get(key);
    // What is given more than once is a list.
    options.set(key, before === undefined || typeof before === 'boolean' ? value : [before, value].flat());
  }
  return Object.fromEntries(options);
}
