import * as v from 'valibot';
import { SidecarError, type Facts } from '../../../errors.js';
import type { EngineAnswer } from './request.js';

/** What is read of the engine's answers, checked: it may be any program. Its own names are kept. */

export const version = v.object({
  ApiVersion: v.string(),
  MinAPIVersion: v.optional(v.string()),
  Version: v.optional(v.string(), ''),
});

export const created = v.object({ Id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12,64}$/)) });

export const execCreated = v.object({ Id: v.pipe(v.string(), v.regex(/^[0-9a-zA-Z]+$/)) });

export const exec = v.object({ Running: v.boolean(), ExitCode: v.nullish(v.number(), null) });

export const imageAnswer = v.object({
  Config: v.nullish(v.object({ User: v.optional(v.string(), '') })),
  Os: v.optional(v.string(), ''),
  Architecture: v.optional(v.string(), ''),
});

const labels = v.nullish(v.record(v.string(), v.string()));

const binding = v.object({ HostIp: v.optional(v.string(), ''), HostPort: v.optional(v.string(), '') });

export const containerAnswer = v.object({
  Id: v.string(),
  Name: v.string(),
  Created: v.string(),
  State: v.object({
    Status: v.string(),
    ExitCode: v.optional(v.number(), 0),
    Error: v.optional(v.string(), ''),
    OOMKilled: v.optional(v.boolean(), false),
  }),
  Config: v.object({ Labels: labels, Env: v.nullish(v.array(v.string())), User: v.optional(v.string(), '') }),
  NetworkSettings: v.nullish(v.object({ Ports: v.nullish(v.record(v.string(), v.nullish(v.array(binding)))) })),
});

export type Container = v.InferOutput<typeof containerAnswer>;

export const containerList = v.array(v.object({ Id: v.string() }));

export const pullLine = v.object({
  status: v.optional(v.string()),
  id: v.optional(v.string()),
  error: v.optional(v.string()),
  /** podman's. */
  stream: v.optional(v.string()),
});

const failureAnswer = v.object({ message: v.string() });

/** Throws `provider.failed` for an answer that is none of an engine. */
export function parseAnswer<T>(
  { body }: EngineAnswer,
  schema: v.GenericSchema<unknown, T>,
  what: string,
  facts: Facts = {},
): T {
  const parsed = v.safeParse(schema, jsonOf(body));
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]);
  const reason = `what answers is no container engine: its answer about ${what} makes no sense${where === null ? '' : ` (${where})`}`;
  throw new SidecarError('provider.failed', { reason, ...facts }, { retryable: false });
}

/** Why the engine refuses, in its own words. */
export function refusalOf({ status, body }: EngineAnswer): { readonly status: number; readonly message: string } {
  const parsed = v.safeParse(failureAnswer, jsonOf(body));
  const words = parsed.success ? parsed.output.message : body.toString('utf8');
  const message = words.replaceAll(/\s+/g, ' ').trim().slice(0, 500);
  return { status, message: message === '' ? `it answers with status ${status}` : message };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
