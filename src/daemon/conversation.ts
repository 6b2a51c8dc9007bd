import type { Socket } from 'node:net';
import * as v from 'valibot';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { SidecarEvent } from '../events.js';
import type { AskPassphrase } from '../transport/passphrase.js';
import { compareBuilds, type Build } from './build.js';
import { fromJson, toJson } from './errors-as-json.js';
import { serveChannel } from './channel/serve.js';
import { readLines, type Lines } from './lines.js';
import type { Log } from './log.js';
import { firstLine, passphraseLine, type FromDaemon, type Request, type RequestOf, type Results } from './message.js';
import { aliveMs } from './signs-of-life.js';
import type { DaemonStatus } from './status.js';
import type { Client, Works } from './works.js';

/** An environment is the longest thing that a client sends, in bytes; no system takes a longer one. */
const longestLine = 8 * 1024 * 1024;
/** A client that stopped reading, in bytes. */
const mostUnread = 16 * 1024 * 1024;
/** How long a client is kept waiting for a session that it needs only later, in milliseconds. */
const warmMs = 1_000;
/** How long a client may take to say what it wants, in milliseconds. */
const firstLineMs = 10_000;

export interface ConversationOptions {
  readonly build: Build;
  readonly clock: Clock;
  readonly log: Log;
  readonly works: Works;
  readonly status: () => DaemonStatus;
  readonly stop: () => void;
  readonly stepAside: () => void;
}

/** One client and its one request: see message.ts. */
export class Conversation {
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #options: ConversationOptions;
  readonly #gone = new AbortController();
  #answer: ((passphrase: string | undefined) => void) | undefined;
  #request: Request['command'] | undefined;
  readonly #lines: Lines;

  constructor(socket: Socket, options: ConversationOptions) {
    this.#socket = socket;
    this.#options = options;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined); // it closes
    socket.once('close', () => {
      this.#gone.abort(new SidecarError('interrupted', { reason: 'the client hung up' }));
      this.#answer?.(undefined);
    });
    this.#lines = readLines(socket, { limit: longestLine, onLine: (line) => this.#hear(line) });
    options.clock.sleep(firstLineMs, this.#gone.signal).then(
      () => {
        if (this.#request === undefined) this.hangUp();
      },
      () => undefined,
    );
  }

  /** Whether something is being done for the client. */
  get works(): boolean {
    return this.#request !== undefined && this.#request !== 'status' && !this.#socket.destroyed;
  }

  /** Whether the client waits for the daemon's end, which is all the answer that it gets. */
  get awaitsEnd(): boolean {
    return this.#request === 'stop';
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  #hear(line: string): void {
    try {
      if (this.#request !== undefined) this.#hearPassphrase(line);
      else this.#begin(v.parse(firstLine, JSON.parse(line)));
    } catch {
      this.hangUp(); // none of our clients
    }
  }

  #begin({ build, request }: v.InferOutput<typeof firstLine>): void {
    const { build: ours, log } = this.#options;
    this.#request = request.command;
    this.#tell({ kind: 'hello', pid: process.pid, build: ours });
    const newer = compareBuilds(build, ours);
    // Any client may ask how it is, and have it stopped.
    if (newer !== 0 && request.command !== 'status' && request.command !== 'stop') {
      this.#last({ kind: 'other-build' });
      if (newer > 0) this.#options.stepAside();
      return;
    }
    const onFailed = (error: unknown): void => {
      if (this.#gone.signal.aborted) return;
      log.write('failed', { command: request.command, ...errorFacts(error) });
      this.#last({ kind: 'error', error });
    };
    if (request.command === 'exec') void this.#exec(request).catch(onFailed);
    else void this.#serve(request).then((result) => this.#last({ kind: 'result', result }), onFailed);
  }

  async #exec(request: RequestOf<'exec'>): Promise<void> {
    const { works, log } = this.#options;
    const about: { sidecar?: string } = {};
    const client = this.#client(request, about);
    const { channel, release } = await this.#showingLife(() => works.exec(request, client));
    try {
      log.write('exec', about);
      this.#tell({ kind: 'opened' });
      await serveChannel(this.#socket, channel, this.#lines.release());
    } finally {
      await release();
    }
  }

  #client(request: Request, about: { sidecar?: string }): Client {
    const { log } = this.#options;
    return {
      signal: this.#gone.signal,
      emit: (event) => {
        if (isAboutConnection(event)) log.write(event.kind, { ...about, ...factsOf(event) });
        this.#tell({ kind: 'event', event });
      },
      chosen: (name) => {
        about.sidecar = name;
        this.#tell({ kind: 'chosen', sidecar: name });
      },
      askPassphrase: 'canAsk' in request && request.canAsk ? this.#askPassphrase : undefined,
    };
  }

  async #showingLife<T>(work: () => Promise<T>): Promise<T> {
    const alive = setInterval(() => this.#tell({ kind: 'alive' }), aliveMs);
    try {
      return await work();
    } finally {
      clearInterval(alive);
    }
  }

  async #serve(request: Exclude<Request, RequestOf<'exec'>>): Promise<Results[keyof Results]> {
    const { works, status, stop, clock, log } = this.#options;
    const startedMs = clock.now();
    const about: { sidecar?: string } = {};
    const client = this.#client(request, about);
    switch (request.command) {
      case 'ping':
        return null;
      case 'status':
        return status();
      case 'stop':
        stop();
        return this.#showingLife(async () => this.ended.then(() => null));
      case 'drop':
        return works.drop(request);
      case 'warm': {
        const { signal } = new AbortController();
        const warm = works.warm(request, { ...client, signal, emit: () => undefined }).catch((error: unknown) => {
          log.write('not warm', { ...about, ...errorFacts(error) });
        });
        await Promise.race([warm, clock.sleep(warmMs, this.#gone.signal)]);
        return null;
      }
      case 'wait':
      case 'sync': {
        const result = await this.#showingLife<Results['sync'] | Results['wait']>(() =>
          request.command === 'sync' ? works.sync(request, client) : works.wait(request, client),
        );
        const ms = Math.round(clock.now() - startedMs);
        log.write(request.command, { ...about, ms, ...('tree' in result ? { tree: result.tree } : {}) });
        return result;
      }
    }
  }

  readonly #askPassphrase: AskPassphrase = (path, retry) =>
    new Promise((resolve) => {
      if (this.#gone.signal.aborted) resolve(undefined);
      this.#answer = resolve;
      this.#tell({ kind: 'passphrase?', path, retry });
    });

  #hearPassphrase(line: string): void {
    const { passphrase } = v.parse(passphraseLine, fromJson(line));
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(passphrase ?? undefined);
  }

  #tell(message: FromDaemon): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(`${toJson(message)}\n`);
    if (this.#socket.writableLength > mostUnread) this.hangUp();
  }

  #last(message: FromDaemon): void {
    if (!this.#socket.destroyed) this.#socket.end(`${toJson(message)}\n`);
  }
}

type ConnectEvent = Extract<SidecarEvent, { kind: `connect.${string}` }>;

const isAboutConnection = (event: SidecarEvent): event is ConnectEvent => event.kind.startsWith('connect.');

function factsOf(event: ConnectEvent): Record<string, unknown> {
  const facts: Record<string, unknown> = { ...event, kind: undefined };
  return 'error' in event ? { ...facts, error: errorFacts(event.error) } : facts;
}

function errorFacts(error: unknown): Record<string, unknown> {
  if (error instanceof SidecarError) return { code: error.code, facts: error.facts };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
