import * as v from 'valibot';
import { containerOptions, list, yesOrNo } from '../docker/container-options.js';
import { checkOptions } from '../options.js';
import type { ProviderOptions } from '../provider.js';

const constraint = v.check<string, string>(
  (value) => /^(node|engine)\.[\w.-]+\s*(==|!=)\s*\S+$/.test(value),
  'it is such as node.labels.zone==east',
);

/** Of the words behind a volume, the swarm's own API has these. */
const swarmVolume = v.check<string, string>(
  (value) => (value.split(':')[2] ?? '').split(',').every((mode) => ['', 'ro', 'rw', 'nocopy'].includes(mode)),
  'a swarm knows :ro, :rw and :nocopy',
);

const schema = v.strictObject({
  ...containerOptions,
  volume: v.optional(v.pipe(v.unwrap(containerOptions.volume), v.array(v.pipe(v.string(), swarmVolume))), []),
  // Which account a number is, only a container knows, and nobody can ask it before there is a login.
  user: v.optional(v.pipe(v.unwrap(containerOptions.user), v.regex(/\D/, 'it is the name of an account in the image'))),
  /** Whether the swarm's nodes get the user's login at the registry of the image. The swarm keeps it. */
  'registry-auth': v.optional(yesOrNo, false),
  /** Where it may run, as `docker service create --constraint` has it. */
  constraint: v.optional(v.pipe(list, v.array(v.pipe(v.string(), constraint))), []),
});

export type SwarmOptions = v.InferOutput<typeof schema>;

/** Throws `usage.invalid`. */
export function swarmOptions(options: ProviderOptions): SwarmOptions {
  return checkOptions('swarm', schema, options);
}
