import { STATUS_CODES } from 'node:http';
import * as v from 'valibot';
import { SidecarError, type ErrorCode, type Facts } from '../errors.js';
import { failure } from './answers.js';
import { NoAnswer } from './http/no-answer.js';
import { passingStatuses } from './http/reads.js';
import { retryAfterMs } from './http/retry-after.js';

/** What was asked of which server: what every error about it tells. */
export interface Call {
  readonly server: string;
  /** Such as `GET /v1/sidecars`. */
  readonly call: string;
  /** Whether it makes something: then what was not answered may have been done, and asking once more is safe. */
  readonly makes?: boolean;
  /** Every token that was sent, which nobody may be told. */
  readonly tokens: ReadonlySet<string>;
}

/** An answer that was read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** What it held, as JSON; undefined where it was none. */
  readonly document: unknown;
}

/** What the service itself says went wrong. Undefined: the answer is not from it, but from something before it. */
export function failureIn({ document }: Answer): v.InferOutput<typeof failure>['error'] | undefined {
  const checked = v.safeParse(failure, document);
  return checked.success ? checked.output.error : undefined;
}

/** An answer that says no. */
export function refused(call: Call, answer: Answer): SidecarError {
  const { status } = answer;
  const said = failureIn(answer);
  if (said === undefined && status === 404) return protocolError(call, routeUnknown, { status });
  if (status < 400)
    return protocolError(call, `the service answered with ${statusWords(status)}; ${wrongServer}`, { status });
  const restMs = retryAfterMs(answer);
  const facts: Facts = {
    ...about(call),
    ...{ status, reason: reasonOf(status, said?.message ?? '', call) },
    ...(restMs > 0 ? { retryAfterMs: restMs } : {}),
    ...(call.makes === true && status >= 500 ? { maybeApplied: true } : {}),
  };
  return new SidecarError(codeOf(status, call), facts, { retryable: mayPass(status, call) });
}

function codeOf(status: number, { call }: Call): ErrorCode {
  if (status === 401) return 'provider.unauthenticated';
  // Of anything else it says that the service has gone.
  if (status === 410 && call.includes('{id}')) return 'provider.gone';
  if (status === 402 || (status === 429 && call === 'POST /v1/sidecars')) return 'provider.quota';
  return status >= 500 || passingStatuses.has(status) ? 'provider.unavailable' : 'provider.failed';
}

/** A creation is asked for again at these and no others; what else is asked, where a gateway speaks or one is too early. */
function mayPass(status: number, { makes = false }: Call): boolean {
  return makes ? [500, 502, 503, 504].includes(status) : passingStatuses.has(status);
}

/** No answer at all, or what else came of asking. A SidecarError, such as that a login is needed, is thrown as it is. */
export function unanswered(call: Call, error: unknown): unknown {
  if (error instanceof SidecarError) return error;
  if (error instanceof NoAnswer) {
    const facts: Facts = {
      ...about(call),
      reason: `the service cannot be asked: ${error.message}`,
      ...(call.makes === true && error.maybeApplied ? { maybeApplied: true } : {}),
    };
    return new SidecarError('provider.unavailable', facts, { cause: error, retryable: error.retryable });
  }
  // Its words may hold the request, and the request holds a token.
  const kind = error instanceof Error ? error.name : typeof error;
  const isOpen = call.makes === true ? { maybeApplied: true } : {};
  const facts = { ...about(call), reason: `the service cannot be asked (${kind})`, ...isOpen };
  return new SidecarError('provider.failed', facts, { retryable: false });
}

/** It says what it may not: waiting does not cure that. */
function protocolError(call: Call, reason: string, more: Facts = {}): SidecarError {
  // Something may have been made of a request whose answer cannot be understood.
  const isOpen = call.makes === true && more['status'] === undefined;
  const facts = { ...about(call), reason, ...more, ...(isOpen ? { maybeApplied: true } : {}) };
  return new SidecarError('provider.protocol', facts, { retryable: false });
}

/** What the answer holds. Throws `provider.protocol` where it is not as agreed. */
export function checked<T>(call: Call, { document }: Answer, schema: v.GenericSchema<unknown, T>): T {
  if (document === undefined) throw protocolError(call, `its answer is no JSON; ${wrongServer}`);
  const result = v.safeParse(schema, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'something';
  throw protocolError(call, `in its answer, ${where} is wrong: ${wordsOf(issue.message, call)}`);
}

const wrongServer = 'is this the right server?';
const routeUnknown = `the service knows no such address (404); ${wrongServer}`;

const about = ({ server, call }: Call): Facts => ({ provider: 'api', server, call });

function reasonOf(status: number, message: string, call: Call): string {
  return message === ''
    ? `the service answered with ${statusWords(status)}`
    : `${wordsOf(message, call)} (${statusWords(status)})`;
}

/** What a service says, for a person: in full, but for what only the two sides may know. */
export function wordsOf(message: string, { tokens }: Pick<Call, 'tokens'>): string {
  return [...tokens].filter((token) => token !== '').reduce((text, token) => text.replaceAll(token, '…'), message);
}

/** In words of our own: those of the answer may be anything. */
function statusWords(status: number): string {
  const words = STATUS_CODES[status];
  return words === undefined ? String(status) : `${status} ${words}`;
}
