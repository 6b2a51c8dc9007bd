import { lstat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Emit } from '../events.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import type { Build } from './build.js';
import { compareBuilds } from './build.js';
import { fromJson } from './errors-as-json.js';
import { readLines, type Lines } from './lines.js';
import type { FromDaemon, Request, RequestOf, Results } from './message.js';
import type { DaemonPlace } from './place.js';
import { firstWordMs, silenceMs } from './signs-of-life.js';

export interface AskOptions {
  readonly place: DaemonPlace;
  readonly build: Build;
  /** Ends the request. */
  readonly signal?: AbortSignal;
  readonly emit?: Emit;
  readonly chosen?: (sidecar: string) => void;
  readonly askPassphrase?: AskPassphrase | undefined;
}

/** Why there is no answer, and the client goes on by itself. */
export type Without =
  /** There is none. */
  | 'absent'
  /** It is older than this client, and makes room. */
  | 'older'
  /** It is newer than this client. */
  | 'newer'
  /** It hangs. */
  | 'silent'
  /** It ended in the middle. */
  | 'ended'
  /** Its session takes no more of what is asked for. */
  | 'full';

export type Answer<T> =
  { readonly kind: 'result'; readonly result: T } | { readonly kind: 'without'; readonly why: Without };

/**
 * Asks the daemon, if there is one. Whatever happens to it on the way, there is an answer: then the client does the work
 * itself, which may be done twice.
 *
 * Throws the error of the work itself, and the signal's reason.
 */
export async function askDaemon<C extends keyof Results>(
  request: RequestOf<C>,
  options: AskOptions,
): Promise<Answer<Results[C]>> {
  const answer = await ask<Results[C]>(request, options);
  if (answer.kind === 'without') return answer;
  answer.socket.destroy();
  return { kind: 'result', result: answer.result };
}

/** A connection that carries frames from now on, and the first bytes of them. */
export interface Opened {
  readonly socket: Socket;
  readonly rest: Buffer;
}

/** Has the daemon open a channel. Throws what opening a session throws, `ssh.channel_refused`, and the signal's reason. */
export async function openThroughDaemon(request: RequestOf<'exec'>, options: AskOptions): Promise<Answer<Opened>> {
  const answer = await ask<Buffer>(request, options);
  if (answer.kind === 'without') return answer;
  return { kind: 'result', result: { socket: answer.socket, rest: answer.result } };
}

/** The socket is destroyed unless there is a result. */
async function ask<T>(request: Request, options: AskOptions): Promise<Answered<T>> {
  const { place, build, signal } = options;
  signal?.throwIfAborted();
  if (!(await isOwnPlace(place))) return without('absent');
  const socket = connect(place.socket);
  let answer: Answer<T> | undefined;
  try {
    answer = await new Asking<T>(socket, options).answer(JSON.stringify({ build, request }));
    return answer.kind === 'result' ? { ...answer, socket } : answer;
  } finally {
    if (answer?.kind !== 'result') socket.destroy();
  }
}

type Answered<T> = (Extract<Answer<T>, { kind: 'result' }> & { readonly socket: Socket }) | ReturnType<typeof without>;

const without = (why: Without): { readonly kind: 'without'; readonly why: Without } => ({ kind: 'without', why });

/** One conversation, from its first line to its end. */
class Asking<T> {
  readonly #socket: Socket;
  readonly #options: AskOptions;
  #settle: { resolve(answer: Answer<T>): void; reject(error: unknown): void } | undefined;
  #silence: NodeJS.Timeout | undefined;
  #heard = false;
  #lines: Lines | undefined;

  constructor(socket: Socket, options: AskOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  async answer(firstLine: string): Promise<Answer<T>> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#settle?.reject(signal?.reason);
    try {
      return await new Promise<Answer<T>>((resolve, reject) => {
        this.#settle = { resolve, reject };
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#socket.on('error', () => undefined); // it closes
        this.#socket.on('close', () => resolve(without(this.#heard ? 'ended' : 'absent')));
        this.#lines = readLines(this.#socket, { limit: Infinity, onLine: (line) => this.#hear(line) });
        this.#socket.write(`${firstLine}\n`);
        this.#listen(firstWordMs);
      });
    } finally {
      clearTimeout(this.#silence);
      signal?.removeEventListener('abort', onAbort);
      this.#settle = undefined;
    }
  }

  /** Waits for the next word, and not for ever. */
  #listen(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#settle?.resolve(without('silent')), ms);
  }

  #hear(line: string): void {
    if (this.#settle === undefined) return;
    this.#heard = true;
    this.#listen(silenceMs);
    const message = fromJson(line) as FromDaemon;
    const { build, emit, chosen } = this.#options;
    switch (message.kind) {
      case 'hello':
        this.#build = message.build;
        return;
      case 'alive':
        return;
      case 'chosen':
        chosen?.(message.sidecar);
        return;
      case 'event':
        emit?.(message.event);
        return;
      case 'passphrase?':
        void this.#givePassphrase(message);
        return;
      case 'other-build':
        this.#settle.resolve(without(compareBuilds(build, this.#build ?? build) > 0 ? 'older' : 'newer'));
        return;
      case 'opened':
        this.#settle.resolve({ kind: 'result', result: this.#lines?.release() as T });
        return;
      case 'result':
        this.#settle.resolve({ kind: 'result', result: message.result as T });
        return;
      case 'error':
        this.#settle.reject(message.error);
        return;
    }
  }

  #build: Build | undefined;

  async #givePassphrase({ path, retry }: { readonly path: string; readonly retry: boolean }): Promise<void> {
    try {
      const passphrase = (await this.#options.askPassphrase?.(path, retry)) ?? null;
      this.#socket.write(`${JSON.stringify({ passphrase })}\n`);
    } catch (error) {
      this.#settle?.reject(error);
    }
  }
}

/** A place that somebody else made is not asked: it would be told everything. */
export async function isOwnPlace({ socketDirectory }: DaemonPlace): Promise<boolean> {
  if (socketDirectory === undefined) return true;
  const stats = await lstat(socketDirectory).catch(() => undefined);
  if (stats?.isDirectory() !== true) return false;
  return stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0;
}
