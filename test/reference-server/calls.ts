import type { components } from '../../src/control/openapi-types.js';
import { parsePublicKey } from '../../src/transport/public-key.js';
import type { Account } from './account.js';
import type { Reply } from './faults.js';

type Schemas = components['schemas'];

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly account: Account;
  /** How a creation that is repeated is answered: both are as agreed. */
  readonly repeated: 201 | 409;
}

/** What the service answers to a user whom it knows. */
export async function answer(asked: Asked): Promise<Reply> {
  const [, id, action] = /^\/v1\/sidecars\/([^/]+)(?:\/(resume))?$/.exec(asked.path) ?? [];
  if (id !== undefined) return answerAbout(decodeURIComponent(id), action, asked);
  switch (`${asked.method} ${asked.path}`) {
    case 'POST /v1/keys':
      return registerKey(asked);
    case 'POST /v1/sidecars':
      return create(asked);
    case 'GET /v1/sidecars':
      return { status: 200, body: { sidecars: await asked.account.list() } satisfies Schemas['SidecarList'] };
    default:
      return { status: 404, body: 'no such page' };
  }
}

async function answerAbout(id: string, action: string | undefined, { method, account }: Asked): Promise<Reply> {
  if (method === 'GET' && action === undefined) {
    const found = await account.get(id);
    return typeof found === 'string' ? missing(found) : { status: 200, body: found };
  }
  if (method === 'DELETE' && action === undefined) return done(204, await account.delete(id));
  if (method === 'POST' && action === 'resume') return done(202, await account.resume(id));
  return { status: 404, body: 'no such page' };
}

function registerKey({ body, account }: Asked): Reply {
  const { title, publicKey } = (body ?? {}) as Partial<Schemas['NewKey']>;
  if (typeof title !== 'string' || typeof publicKey !== 'string' || parsePublicKey(publicKey) === undefined)
    return refusal(400, 'invalid', 'that is no public key');
  if (account.keys.has(publicKey)) return { status: 409 };
  account.keys.add(publicKey);
  return { status: 201 };
}

async function create({ body, headers, account, repeated }: Asked): Promise<Reply> {
  const { name, image, requestId } = (body ?? {}) as Partial<Schemas['NewSidecar']>;
  if (typeof name !== 'string' || typeof requestId !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(name))
    return refusal(400, 'invalid', 'a sidecar has a name of small letters, digits and dashes, and a request id');
  if (headers['idempotency-key'] !== requestId)
    return refusal(400, 'invalid', 'the Idempotency-Key has to be the request id');
  if (image === 'missing') return refusal(422, 'no_such_image', 'there is no image named missing');
  const { kind, sidecar } = await account.create({ name, requestId });
  if (kind === 'made' || (kind === 'repeated' && repeated === 201)) return { status: 201, body: sidecar };
  const error = { code: 'already_exists', message: `there is a sidecar named ${name} already` } as const;
  return { status: 409, body: { error, sidecar } satisfies Schemas['AlreadyExists'] };
}

function done(status: number, outcome: 'done' | 'unknown' | 'gone'): Reply {
  return outcome === 'done' ? { status } : missing(outcome);
}

function missing(how: 'unknown' | 'gone'): Reply {
  if (how === 'gone') return refusal(410, 'gone', 'it was deleted');
  return refusal(404, 'not_found', 'there is no sidecar of that id');
}

export function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } satisfies Schemas['Failure'] };
}
