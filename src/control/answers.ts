import * as v from 'valibot';
import type { components } from './openapi-types.js';
import { isPrivateWay } from '../transport/route/private-way.js';

/*
 * What the control plane answers, checked. Each is held against the type that openapi.json gives it: where the two part, this
 * does not compile. An answer may hold more than is known here.
 */

type Schemas = components['schemas'];

export type Sidecar = Schemas['Sidecar'];
export type Failure = Schemas['Failure'];

const words = v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096));

const endpoint = v.variant('kind', [
  v.object({
    kind: v.literal('tcp'),
    host: words,
    port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  }),
  v.object({
    kind: v.literal('websocket'),
    url: v.pipe(words, v.check(isPrivate, 'it must begin with wss://, or ws:// on this machine')),
  }),
]) satisfies v.GenericSchema<unknown, Schemas['Endpoint']>;

/** It stands in addresses, where these would lead to another one. */
const id = v.pipe(
  words,
  v.check((text) => text !== '.' && text !== '..', 'it must be a name'),
);

export const sidecar = v.object({
  id,
  name: words,
  requestId: words,
  state: v.picklist(['creating', 'starting', 'running', 'standby', 'failed', 'deleting']),
  reason: v.exactOptional(v.string()),
  workdir: v.exactOptional(words),
  ssh: v.exactOptional(v.object({ endpoint, user: words, hostKeys: v.pipe(v.array(words), v.minLength(1)) })),
}) satisfies v.GenericSchema<unknown, Sidecar>;

/** Each of them is checked by itself, so that one that is wrong does not hide the others. */
export const sidecarList = v.object({ sidecars: v.array(v.unknown()) });

/** What a sidecar is told by, also in one that is wrong. */
export const mark = v.object({
  id: v.fallback(v.optional(v.string()), undefined),
  name: v.fallback(v.optional(v.string()), undefined),
  requestId: v.fallback(v.optional(v.string()), undefined),
});

export type Mark = v.InferOutput<typeof mark>;

export const failure = v.object({
  error: v.object({ code: words, message: v.fallback(v.string(), '') }),
}) satisfies v.GenericSchema<unknown, Failure>;

export const alreadyExists = v.object({
  error: v.object({ code: v.literal('already_exists'), message: v.exactOptional(v.string()) }),
  sidecar,
}) satisfies v.GenericSchema<unknown, Schemas['AlreadyExists']>;

export const health = v.object({ status: words }) satisfies v.GenericSchema<unknown, Schemas['Health']>;

/** What goes through it may be read on the way, unless it is encrypted or does not leave this machine. */
function isPrivate(text: string): boolean {
  return URL.canParse(text) && isPrivateWay(new URL(text), 'ws');
}
