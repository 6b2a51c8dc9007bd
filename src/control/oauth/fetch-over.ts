import type { CustomFetch } from 'openid-client';
import * as v from 'valibot';
import { BusyAnswer, isBusy } from '../http/busy-answer.js';
import type { Send } from '../http/send.js';

/**
 * What the OAuth library asks with: our own sending, so that proxies and limits count, and the signal of the caller, which
 * the library does not pass on. Throws what sending throws, and `BusyAnswer`.
 */
export function fetchOver(send: Send, signal?: AbortSignal): CustomFetch {
  return async (url, { method, headers, body }) => {
    const answer = await send({ method, url, headers, body: textOf(body), signal });
    if (isBusy(answer.status) && (answer.status >= 500 || !(await isAboutPolling(answer.clone()))))
      throw new BusyAnswer(answer);
    // With a challenge in its headers, the library would not read what the answer itself says.
    answer.headers.delete('www-authenticate');
    return withoutNulls(answer);
  };
}

const members = v.record(v.string(), v.unknown());

/** Many servers write what they do not say as null, which the library takes for a wrong answer. */
async function withoutNulls(answer: Response): Promise<Response> {
  const content: unknown = await answer
    .clone()
    .json()
    .catch(() => undefined);
  if (!v.is(members, content) || !Object.values(content).includes(null)) return answer;
  const said = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== null));
  return new Response(JSON.stringify(said), { status: answer.status, headers: answer.headers });
}

/** The library sends forms, and nothing else. */
function textOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new TypeError('only a form can be sent');
}

const pollingAnswer = v.object({ error: v.picklist(['authorization_pending', 'slow_down']) });

/** Some servers say that a poll came too early by 429, where RFC 8628 §3.5 has 400: an answer all the same. By 5xx it is none. */
async function isAboutPolling(answer: Response): Promise<boolean> {
  return answer.json().then(
    (content) => v.is(pollingAnswer, content),
    () => false,
  );
}
