import * as v from 'valibot';
import { containerOptions, list } from '../docker/container-options.js';
import { checkOptions } from '../options.js';
import type { ProviderOptions } from '../provider.js';

const constraint = v.check<string, string>(
  (value) => /^(node|engine)\.[\w.-]+\s*(==|!=)\s*\S+$/.test(value),
  'it is such as node.labels.zone==east',
);

const schema = v.strictObject({
  ...containerOptions,
  /** Where it may run, as `docker service create --constraint` has it. */
  constraint: v.optional(v.pipe(list, v.array(v.pipe(v.string(), constraint))), []),
});

export type SwarmOptions = v.InferOutput<typeof schema>;

/** Throws `usage.invalid`. */
export function swarmOptions(options: ProviderOptions): SwarmOptions {
  return checkOptions('swarm', schema, options);
}
