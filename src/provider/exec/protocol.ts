import * as v from 'valibot';

/*
 * What a provider program is asked and answers, one JSON document each. Published as a JSON Schema by `.config/schema.ts`,
 * and in the README for people. An answer may hold more than is asked for: what is not known here is passed over.
 */

/** What a program is called with, as the last word or, for `connect`, the last but one. */
export const calls = [
  'capabilities',
  'create',
  'describe',
  'list',
  'delete',
  'start',
  'stop',
  'authorize-key',
  'connect',
] as const;

export type Call = (typeof calls)[number];

/** Within one major version, a program may be newer than what asks it. */
export const versionPattern = /^sidecar\.dev\/provider\/v1(?:\.[0-9]+)?$/;

const version = v.pipe(v.string(), v.regex(versionPattern), v.description('The version of this protocol.'));

const words = v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096));

const place = v.pipe(
  v.record(v.string(), v.string()),
  v.description(
    'What the program said in its capabilities is to be kept, to speak to the same place later, whatever is configured then.',
  ),
);

const machineRef = v.pipe(
  v.object({ name: words, requestId: words, id: v.optional(words) }),
  v.description('By its id, where that is known, else by name. With another request id it is another machine.'),
);

const asked = { apiVersion: version, place };

/** The requests, by call. `connect` gets its own as its last argument, because its stdin is the stream. */
export const requests = {
  capabilities: v.object({ apiVersion: version, place: v.optional(place) }),
  create: v.object({
    ...asked,
    spec: v.object({
      name: words,
      requestId: v.pipe(words, v.description('Tells this creation from every other, also of the same name.')),
      image: v.optional(words),
      hostKey: v.pipe(
        v.object({ privateKey: words, publicKey: words }),
        v.description(
          'What its SSH server is to show, where the program can see to that. The private half is a secret.',
        ),
      ),
      authorizedKeys: v.array(words),
      options: v.pipe(
        v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.array(v.string())])),
        v.description('What else the user asked for. One that the program does not know is the error `invalid`.'),
      ),
    }),
  }),
  describe: v.object({ ...asked, machine: machineRef }),
  list: v.object(asked),
  delete: v.object({ ...asked, machine: machineRef }),
  start: v.object({ ...asked, machine: machineRef }),
  stop: v.object({ ...asked, machine: machineRef }),
  'authorize-key': v.object({ ...asked, machine: machineRef, publicKey: words }),
  connect: v.object({ ...asked, machine: machineRef }),
} as const satisfies Record<Call, v.GenericSchema>;

const endpoint = v.variant('kind', [
  v.object({
    kind: v.literal('tcp'),
    host: words,
    port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  }),
  v.object({ kind: v.literal('command'), argv: v.tupleWithRest([words], words) }),
  v.object({
    kind: v.literal('websocket'),
    url: v.pipe(words, v.regex(/^wss?:\/\//)),
    headers: v.exactOptional(v.record(v.string(), v.string())),
  }),
  v.object({ kind: v.literal('connect') }),
]);

const machine = v.object({
  id: v.pipe(words, v.description('What the program itself calls it.')),
  name: words,
  requestId: words,
  state: v.picklist(['creating', 'starting', 'running', 'stopped', 'failed', 'deleting']),
  reason: v.optional(v.pipe(v.string(), v.description('Why it is so, for a person.'))),
  workdir: v.optional(words),
  ssh: v.optional(
    v.object({
      endpoint,
      user: words,
      hostKeys: v.optional(
        v.pipe(v.array(words), v.description('Of its SSH server, `ssh-ed25519 AAAA…`. None: nobody knows them yet.')),
      ),
    }),
  ),
});

const can = (what: string) => v.optional(v.pipe(v.boolean(), v.description(what), v.metadata({ default: false })));

const answered = { apiVersion: version };
const done = v.object(answered);

/** The answers, by call, where nothing went wrong. `connect` gives none: its stdout is the stream. */
export const answers = {
  capabilities: v.object({
    ...answered,
    capabilities: v.object({
      idempotentCreate: can(
        'A creation may be repeated, name and request id unchanged: never two machines come of it.',
      ),
      readsLag: can('`describe` may not know a machine yet that was just made.'),
      hostKey: v.optional(
        v.pipe(
          v.picklist(['given', 'told', 'unknown']),
          v.description('The machine has the host key of its spec, or tells its own, or nobody knows it before.'),
          v.metadata({ default: 'unknown' }),
        ),
      ),
      start: can('There is `start`.'),
      stop: can('There is `stop`.'),
      authorizeKey: can('There is `authorize-key`.'),
      connect: can('There is `connect`.'),
    }),
    place: v.optional(place),
  }),
  create: v.object({ ...answered, sidecar: machine, alreadyExisted: v.optional(v.boolean()) }),
  describe: v.object({ ...answered, sidecar: v.nullable(machine) }),
  list: v.object({ ...answered, sidecars: v.array(machine) }),
  delete: done,
  start: done,
  stop: done,
  'authorize-key': done,
} as const satisfies Record<Exclude<Call, 'connect'>, v.GenericSchema>;

export type Answer<C extends keyof typeof answers> = v.InferOutput<(typeof answers)[C]>;

/** Any call may give this instead; `connect` as the last line of its stderr. */
export const failure = v.object({
  apiVersion: version,
  error: v.object({
    code: v.pipe(
      v.string(),
      v.description(
        'not_found, conflict, unauthenticated, quota, invalid, unavailable or internal. Any other counts as internal.',
      ),
    ),
    message: v.pipe(v.string(), v.description('What happened and why, in a line for the user. No secret.')),
    retryable: v.optional(v.pipe(v.boolean(), v.description('Waiting may help. Default: for `unavailable` alone.'))),
    retryAfterMs: v.optional(v.pipe(v.number(), v.minValue(0))),
    maybeApplied: v.optional(
      v.pipe(
        v.boolean(),
        v.description('What was asked for may have been done. Default: for `unavailable` and `internal` alone.'),
      ),
    ),
  }),
});

export type Failure = v.InferOutput<typeof failure>['error'];
