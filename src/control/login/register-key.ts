import * as v from 'valibot';
import { SidecarError } from '../../errors.js';
import type { Send } from '../http/send.js';
import { isUnanswered } from '../oauth/failure.js';

export interface KeyRegistration {
  readonly server: string;
  readonly send: Send;
  readonly token: string;
  readonly key: { readonly title: string; readonly publicKey: string };
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has the server let this machine's key in to its sidecars: once, whatever becomes of it, because it can be done again by
 * hand. Throws `server.unreachable` and `login.failed`.
 */
export async function registerKey({
  server,
  send,
  token,
  key,
  signal,
}: KeyRegistration): Promise<'registered' | 'known' | 'token refused'> {
  const answer = await send({
    method: 'POST',
    url: `${server}/v1/keys`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(key),
    signal,
  }).catch((error: unknown) => {
    if (!isUnanswered(error)) throw error;
    throw new SidecarError('server.unreachable', { server, reason: error.message, suggestion }, { cause: error });
  });
  if (answer.status === 201) return 'registered';
  if (answer.status === 409) return 'known';
  if (answer.status === 401) return 'token refused';
  const said = v.safeParse(refusal, await answer.json().catch(() => undefined));
  const reason = `it answers ${answer.status}${said.success && !said.output.error.message.includes(token) ? `: ${said.output.error.message}` : ''}`;
  const facts = { server, what: 'registering the key of this machine', reason, status: answer.status, suggestion };
  throw new SidecarError('login.failed', facts, { retryable: false });
}

const suggestion = 'you are logged in; run `sidecar login` again, and only the key is registered';

const refusal = v.object({ error: v.object({ message: v.string() }) });
