import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import * as v from 'valibot';
import { OAuthFault } from './failure.js';

/** Who is logged in, as the server says it. */
export const account = v.object({
  sub: v.string(),
  email: v.optional(v.string()),
  name: v.optional(v.string()),
});

export type Account = v.InferOutput<typeof account>;

/** What a login or a renewal gives. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** In milliseconds since 1970; undefined where the server does not say. */
  readonly expiresAt: number | undefined;
  readonly account: Account | undefined;
}

/** RFC 6749 appendix A.12: nothing that could not stand in a header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** Throws `OAuthFault` for what is no token. */
export function tokensFrom(answer: TokenEndpointResponse & TokenEndpointResponseHelpers, nowMs: number): Tokens {
  if (!isToken(answer.access_token)) throw new OAuthFault('its token holds what no token holds');
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: answer.expires_in === undefined ? undefined : nowMs + answer.expires_in * 1000,
    account: accountOf(answer.claims()),
  };
}

/** Undefined where it does not say who it is. What it says of them is of no use if it is no text. */
export function accountOf(claims: unknown): Account | undefined {
  const checked = v.safeParse(account, claims);
  if (checked.success) return checked.output;
  const subject = v.safeParse(v.object({ sub: v.string() }), claims);
  return subject.success ? subject.output : undefined;
}
