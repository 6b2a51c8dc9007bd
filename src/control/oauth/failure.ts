import * as v from 'valibot';
import { SidecarError } from '../../errors.js';
import { BusyAnswer } from '../http/busy-answer.js';
import { NoAnswer } from '../http/no-answer.js';

/** No answer that says anything about what was asked. Another attempt may get one where `retryable` says so. */
export type Unanswered = NoAnswer | BusyAnswer;

export function isUnanswered(error: unknown): error is Unanswered {
  return error instanceof NoAnswer || error instanceof BusyAnswer;
}

/** What the server answers where it does not do what it is asked: RFC 6749 §5.2. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';
  readonly retryable = false;

  constructor(
    /** Its kind, such as `invalid_grant`. */
    readonly error: string,
    /** What the server says about it. Holds no secret. */
    readonly description: string | undefined,
  ) {
    super(description === undefined ? error : `${error}: ${description}`);
  }
}

/** An answer that is none of this protocol. */
export class OAuthFault extends Error {
  override readonly name = 'OAuthFault';
  readonly retryable = false;

  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
  }
}

/**
 * What the OAuth library threw, as one of these; anything else is a mistake of ours, and stays as it is. `secrets` are
 * what was sent: an answer may repeat them. No cause is kept, because what the library throws may quote the answer.
 */
export function oauthFailure(thrown: unknown, secrets: readonly string[] = []): unknown {
  for (let part = thrown; part instanceof Error; part = part.cause)
    if (isUnanswered(part) || part instanceof SidecarError) return part;
  if (!(thrown instanceof Error)) return thrown;
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown };
  if (code === 'OAUTH_PARSE_ERROR') return new NoAnswer('cut', 'its answer is not whole', { retryable: true });
  const refusal = v.safeParse(refusalShape, thrown);
  if (refusal.success) return refusalOf(refusal.output, secrets);
  if (typeof code !== 'string' || !code.startsWith('OAUTH_')) return thrown;
  if (cause instanceof Response) {
    const form = cause.ok && code === 'OAUTH_RESPONSE_IS_NOT_JSON' ? ', and not in JSON' : '';
    return new OAuthFault(`it answers ${cause.status}${form}`, cause.status);
  }
  // The cause names what is wrong with the answer, where its own words only say that something is.
  const words = [cause, thrown].flatMap((each) => (each instanceof Error ? each.message : []));
  return new OAuthFault(words.find((each) => !mayHoldSecret(each, secrets)) ?? 'its answer is wrong');
}

/** Some servers write what they do not say as null. */
const refusalShape = v.object({ error: v.string(), error_description: v.fallback(v.optional(v.string()), undefined) });

function refusalOf(
  { error, error_description: description }: v.InferOutput<typeof refusalShape>,
  secrets: readonly string[],
): OAuthRefusal {
  const mayShow = (text: string): boolean => !mayHoldSecret(text, secrets);
  const kind = mayShow(error) ? error : 'an error';
  return new OAuthRefusal(kind, description !== undefined && mayShow(description) ? description : undefined);
}

/** Longer words than any service has for a failure. The pattern below takes its time with them, too. */
const longestWords = 4_000;
/** A long run of letters and digits may be a token. */
const tokenLike = /(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}/;

/** What services call a request by, so that it can be found in their logs. */
const uuid = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

function mayHoldSecret(text: string, secrets: readonly string[]): boolean {
  if (text.length > longestWords || secrets.some((secret) => text.includes(secret))) return true;
  return tokenLike.test(text.replaceAll(uuid, ' '));
}

/** For the user, where nothing more is known than that it failed. `what`: `the login`, `the renewal of the session`. */
export function asToldFailure(
  error: unknown,
  about: { readonly server: string; readonly what: string; readonly suggestion?: string },
): unknown {
  if (isUnanswered(error)) return unreachable(about.server, error);
  if (error instanceof OAuthRefusal || error instanceof OAuthFault)
    return new SidecarError('login.failed', { ...about, reason: error.message }, { cause: error, retryable: false });
  return error;
}

/** `effort` is what it took, where there was more than one attempt. */
export function unreachable(
  server: string,
  error: Unanswered,
  effort: { readonly attempts?: number; readonly elapsedMs?: number } = {},
): SidecarError {
  return new SidecarError('server.unreachable', { server, reason: error.message, ...effort }, { cause: error });
}
