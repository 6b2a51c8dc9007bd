import type { CustomFetch } from 'openid-client';
import * as v from 'valibot';

/** In seconds. */
const goodInterval = v.pipe(v.number(), v.minValue(1), v.maxValue(3600));

/**
 * The same answers, but for an `interval` that is none, such as 0, for which the library would refuse the whole: without
 * one, RFC 8628 §3.2 has one. A number that is written as a text is what it says.
 */
export function withGoodInterval(fetch: CustomFetch): CustomFetch {
  return async (url, options) => {
    const answer = await fetch(url, options);
    const content: unknown = await answer
      .clone()
      .json()
      .catch(() => undefined);
    const checked = v.safeParse(v.looseObject({ interval: v.unknown() }), content);
    if (!checked.success) return answer;
    const { interval: said, ...others } = checked.output;
    const interval = typeof said === 'string' ? Number(said) : said;
    const { status, headers } = answer;
    return Response.json(v.is(goodInterval, interval) ? { ...others, interval } : others, { status, headers });
  };
}
