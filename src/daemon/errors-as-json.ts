import { SidecarError, type ErrorCode, type Facts } from '../errors.js';

/** The one key by which an error is known again. */
const mark = '$error';

interface ErrorAsJson {
  readonly code?: ErrorCode;
  readonly facts?: Facts;
  readonly retryable?: boolean;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** JSON in which every error, wherever it is, stays one with its causes: see `fromJson`. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (each instanceof Error ? { [mark]: asJson(each) } : each));
}

export function fromJson(text: string): unknown {
  return JSON.parse(text, (_key, each: unknown) => (isMarked(each) ? asError(each[mark]) : each));
}

function asJson(error: Error): ErrorAsJson {
  const { message, stack, cause } = error;
  const said = { message, ...(stack === undefined ? {} : { stack }), ...(cause instanceof Error ? { cause } : {}) };
  if (!(error instanceof SidecarError)) return said;
  const { code, facts, retryable } = error;
  return { ...said, code, facts, ...(retryable === undefined ? {} : { retryable }) };
}

function asError({ code, facts, retryable, message, stack, cause }: ErrorAsJson): Error {
  const error =
    code === undefined
      ? new Error(message, { cause })
      : new SidecarError(code, facts, { cause, ...(retryable === undefined ? {} : { retryable }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}

function isMarked(value: unknown): value is { readonly [mark]: ErrorAsJson } {
  return typeof value === 'object' && value !== null && mark in value;
}
