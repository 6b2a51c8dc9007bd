import * as v from 'valibot';
import type { Clock } from '../../clock.js';
import { diedSilently, failed, notStarted, protocolError, tooSlow, type Asked } from './errors.js';
import { ProviderProcess, type ProcessEnd } from './provider-process.js';
import { answers, failure, versionPattern, type Answer, type Failure } from './protocol.js';
import { SpokenLines } from './spoken-lines.js';

/** How long each call may take, in milliseconds. */
export const callLimitsMs = {
  capabilities: 10_000,
  create: 600_000,
  describe: 30_000,
  list: 60_000,
  delete: 300_000,
  start: 120_000,
  stop: 120_000,
  'authorize-key': 60_000,
  /** Until the server's first word. */
  connect: 30_000,
} as const;

/** Far above what any answer can hold, in bytes. */
const longestAnswer = 1024 * 1024;

export interface Asking<C extends keyof typeof answers> {
  readonly asked: Asked & { readonly call: C };
  /** Goes to its stdin, which is where secrets may be: never in its arguments or its environment. */
  readonly request: unknown;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((line: string) => void) | undefined;
}

/**
 * Runs a provider program for one call, and returns its answer.
 *
 * Throws what the program says went wrong (see `errors.ts`), `provider.missing`, `provider.protocol`, `provider.failed`,
 * `provider.unavailable` when its time is over, or the signal's reason, once it has ended.
 */
export async function ask<C extends keyof typeof answers>(asking: Asking<C>): Promise<Answer<C>> {
  const { asked, request, env, clock, signal, progress } = asking;
  signal?.throwIfAborted();
  const [file, ...args] = asked.program.command;
  const process = await ProviderProcess.start([file, ...args, asked.call], { env, clock }).catch((error: unknown) => {
    throw notStarted(asked, error);
  });
  const lines = new SpokenLines(process.child.stderr, progress);
  const over = new AbortController();
  let giveUp: (why: unknown) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  givenUp.catch(() => undefined);
  const onAbort = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const limitMs = callLimitsMs[asked.call];
  clock.sleep(limitMs, over.signal).then(
    () => giveUp(tooSlow(asked, limitMs)),
    () => undefined,
  );

  const chunks: Buffer[] = [];
  let bytes = 0;
  process.child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= longestAnswer) chunks.push(chunk);
    else giveUp(protocolError(asked, `its answer is longer than ${longestAnswer / 1024} KiB`));
  });
  process.child.stdin.end(`${JSON.stringify(request)}\n`);
  try {
    const end = await Promise.race([process.ended(), givenUp]);
    const said = Buffer.concat(chunks).toString('utf8').trim();
    const document = parseObject(said);
    if (document !== undefined) return readAnswer(asked, document, end);
    if (!end.ok) throw diedSilently(asked, end.how, lines.last);
    const what = said === '' ? 'it gave no answer' : `it printed what is not one JSON object: ${shown(said)}`;
    throw protocolError(asked, what);
  } catch (error) {
    await process.stop();
    throw error;
  } finally {
    over.abort();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Throws what the program says went wrong, or that it says what it may not. */
function readAnswer<C extends keyof typeof answers>(
  asked: Asked & { readonly call: C },
  document: object,
  end: ProcessEnd,
): Answer<C> {
  const { apiVersion } = document as { apiVersion?: unknown };
  if (typeof apiVersion !== 'string' || !versionPattern.test(apiVersion)) {
    throw protocolError(asked, `its answer is of version ${shown(apiVersion)}, which is not known here`);
  }
  const problem = readFailure(document);
  if (problem !== undefined) throw failed(asked, problem);
  const checked = v.safeParse(answers[asked.call], document);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw protocolError(asked, `in its answer, ${v.getDotPath(issue) ?? 'something'} is wrong: ${issue.message}`);
  }
  if (!end.ok) throw protocolError(asked, `it said that all went well, but ${end.how}`);
  return checked.output;
}

/** The error in a document that is one. */
export function readFailure(document: unknown): Failure | undefined {
  const checked = v.safeParse(failure, document);
  return checked.success ? checked.output.error : undefined;
}

/** Undefined for what is not one JSON object. */
export function parseObject(text: string): object | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null && !Array.isArray(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of it, for a person. */
function shown(value: unknown): string {
  const text = value === undefined ? 'none' : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
