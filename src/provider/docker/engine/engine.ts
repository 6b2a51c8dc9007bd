import type { Duplex } from 'node:stream';
import { systemClock } from '../../../clock.js';
import { SidecarError } from '../../../errors.js';
import type { CallOptions } from '../../provider.js';
import * as answers from './answers.js';
import { parseAnswer, refusalOf, type Container } from './answers.js';
import { engineHost } from './address.js';
import { ExecStream } from './exec-stream.js';
import { refused } from './failure.js';
import { pullImage, type PullRequest } from './pull.js';
import { ask, askForStream, type EngineAnswer, type EngineLine, type EngineRequest } from './request.js';
import { negotiate } from './version.js';

/** How long a container may take to be made, started or stopped, in milliseconds: some disks are slow. */
const slowMs = 180_000;

/** How long the engine may take to tell the exit code of a program whose output has ended, in milliseconds. */
const endingMs = 5_000;

export interface ExecRequest {
  readonly argv: readonly string[];
  readonly user?: string;
  /** Whether it reads anything. */
  readonly stdin?: boolean;
}

export interface ExecResult {
  /** Null: its output was cut, and it may run on. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ImageHere {
  /** The account of its programs, as `USER` has it. Empty: root. */
  readonly user: string;
  /** As Go calls them. Empty: it does not say. */
  readonly os: string;
  readonly architecture: string;
}

export type NewContainer =
  | { readonly kind: 'made'; readonly id: string }
  | { readonly kind: 'name-taken'; readonly message: string }
  | { readonly kind: 'no-image'; readonly message: string };

/**
 * The part of the API of Docker, and of podman, that is needed here.
 *
 * Everything throws `provider.unavailable` and `provider.failed`: retryable for what waiting may cure, with `maybeApplied`
 * where the engine may have done what it was asked for, and `status` where it refuses. On abort the signal's reason.
 */
export class Engine {
  readonly #line: EngineLine;
  #version: Promise<string> | undefined;

  constructor(line: EngineLine) {
    this.#line = line;
  }

  /** Undefined: there is no such image. */
  async image(name: string, options: CallOptions = {}): Promise<ImageHere | undefined> {
    const answer = await this.ask('GET', `/images/${name.split('/').map(encodeURIComponent).join('/')}/json`, options);
    if (answer.status === 404) return undefined;
    const image = parseAnswer(good(answer, `tell about the image ${name}`), answers.imageAnswer, 'an image');
    return { user: image.Config?.User ?? '', os: image.Os, architecture: image.Architecture };
  }

  async pull(request: PullRequest, options: CallOptions = {}): Promise<void> {
    const version = await this.#negotiated(options);
    await pullImage(this.#line, `/v${version}`, request, options);
  }

  async create(
    { name, platform, body }: { readonly name: string; readonly platform?: string | undefined; readonly body: object },
    options: CallOptions = {},
  ): Promise<NewContainer> {
    const query = new URLSearchParams({ name, ...(platform === undefined ? {} : { platform }) });
    const answer = await this.ask('POST', `/containers/create?${query.toString()}`, {
      ...options,
      ...json(body),
      limitMs: slowMs,
    });
    if (answer.status === 201) {
      // Whatever it says: it was made.
      const { Id: id } = parseAnswer(answer, answers.created, 'a new container', { maybeApplied: true });
      return { kind: 'made', id };
    }
    const { message } = refusalOf(answer);
    // Docker says 409, podman 500.
    if (answer.status === 409 || (answer.status === 500 && message.includes('already in use'))) {
      return { kind: 'name-taken', message };
    }
    if (answer.status === 404 && /image/i.test(message)) return { kind: 'no-image', message };
    throw refused(refusalOf(answer), 'make the container');
  }

  /** By id or name. Undefined: there is none. */
  async container(id: string, options: CallOptions = {}): Promise<Container | undefined> {
    const answer = await this.ask('GET', `/containers/${encodeURIComponent(id)}/json`, options);
    if (answer.status === 404) return undefined;
    return parseAnswer(good(answer, 'tell about the container'), answers.containerAnswer, 'a container');
  }

  /** The ids of all that have these labels, `name` or `name=value`, whether they run or not. */
  async containersLabelled(labels: readonly string[], options: CallOptions = {}): Promise<string[]> {
    const query = new URLSearchParams({ all: 'true', filters: JSON.stringify({ label: labels }) });
    const answer = good(await this.ask('GET', `/containers/json?${query.toString()}`, options), 'list its containers');
    return parseAnswer(answer, answers.containerList, 'its containers').map(({ Id }) => Id);
  }

  /** Unpacks a tar at the root of a container, which need not run. */
  async putFiles(id: string, tar: Uint8Array, options: CallOptions = {}): Promise<void> {
    const body = { type: 'application/x-tar', data: tar };
    good(await this.ask('PUT', `/containers/${id}/archive?path=%2F`, { ...options, body }), 'take files');
  }

  /** A tar of a file, or undefined where there is none. */
  async getFile(id: string, path: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const query = new URLSearchParams({ path });
    const answer = await this.ask('GET', `/containers/${id}/archive?${query.toString()}`, options);
    return answer.status === 404 ? undefined : good(answer, `give ${path}`).body;
  }

  /** One that runs already is left alone. */
  async start(id: string, options: CallOptions = {}): Promise<void> {
    const answer = await this.ask('POST', `/containers/${id}/start`, { ...options, limitMs: slowMs });
    if (answer.status !== 304) good(answer, 'start the container');
  }

  async unpause(id: string, options: CallOptions = {}): Promise<void> {
    good(await this.ask('POST', `/containers/${id}/unpause`, options), 'resume the container');
  }

  /** One that is stopped is left alone. */
  async stop(id: string, options: CallOptions = {}): Promise<void> {
    const answer = await this.ask('POST', `/containers/${id}/stop?t=10`, { ...options, limitMs: slowMs });
    if (answer.status !== 304) good(answer, 'stop the container');
  }

  /** With its anonymous volumes. One that is gone already, or about to be, is removed. */
  async remove(id: string, options: CallOptions = {}): Promise<void> {
    const answer = await this.ask('DELETE', `/containers/${id}?force=true&v=true`, { ...options, limitMs: slowMs });
    const isGoing = answer.status === 409 && refusalOf(answer).message.includes('in progress');
    if (answer.status !== 404 && !isGoing) good(answer, 'remove the container');
  }

  /** Throws with `status` 409 where the name is taken (podman: 500). */
  async rename(id: string, name: string, options: CallOptions = {}): Promise<void> {
    const query = new URLSearchParams({ name });
    good(
      await this.ask('POST', `/containers/${id}/rename?${query.toString()}`, options),
      'give the container its name',
    );
  }

  /** The last that the container's own process said. */
  async lastWords(id: string, options: CallOptions = {}): Promise<string> {
    const answer = await this.ask('GET', `/containers/${id}/logs?stdout=true&stderr=true&tail=5`, options);
    return good(answer, 'give the log')
      .body.toString('utf8')
      .replaceAll(/[^\x20-\x7e\n]/g, '')
      .trim();
  }

  /** Starts a program in a container that runs. `id` is for `exitCode`. */
  async exec(
    container: string,
    { argv, user, stdin = true }: ExecRequest,
    options: CallOptions = {},
  ): Promise<{ readonly id: string; readonly stream: ExecStream }> {
    const body = {
      ...{ AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: argv },
      ...(user === undefined ? {} : { User: user }),
    };
    const made = good(
      await this.ask('POST', `/containers/${container}/exec`, { ...options, ...json(body) }),
      'start a program',
    );
    const { Id: id } = parseAnswer(made, answers.execCreated, 'a program');
    const path = `/v${await this.#negotiated(options)}/exec/${id}/start`;
    const request: EngineRequest = { ...options, method: 'POST', path, ...json({ Detach: false, Tty: false }) };
    const started = await askForStream(this.#line, request);
    if (isAnswer(started)) throw refused(refusalOf(started), 'start a program');
    return { id, stream: new ExecStream(started) };
  }

  async exitCode(exec: string, options: CallOptions = {}): Promise<number | null> {
    const answer = good(await this.ask('GET', `/exec/${exec}/json`, options), 'tell about a program');
    const { Running, ExitCode } = parseAnswer(answer, answers.exec, 'a program');
    return Running ? null : ExitCode;
  }

  /** Runs a program to its end, with nothing on its stdin. */
  async run(container: string, request: ExecRequest, options: CallOptions = {}): Promise<ExecResult> {
    const { id, stream } = await this.exec(container, { ...request, stdin: false }, options);
    const onAbort = (): void => void stream.destroy();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    let stdout = '';
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) stdout += chunk.toString('utf8');
    } catch {
      // Its exit code tells more than how its output ended.
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
    }
    options.signal?.throwIfAborted();
    return { exitCode: await this.#exitCodeOf(id, options), stdout, stderr: stream.words };
  }

  /** An engine may take a moment to see that a program has ended. Null: its output was cut while it runs on. */
  async #exitCodeOf(exec: string, options: CallOptions): Promise<number | null> {
    for (let waitedMs = 0; waitedMs < endingMs; waitedMs += 100) {
      const code = await this.exitCode(exec, options);
      if (code !== null) return code;
      await systemClock.sleep(100, options.signal);
    }
    return null;
  }

  /** Any request, with the version of the API before its path. Throws as the others do, and for no status. */
  async ask(
    method: EngineRequest['method'],
    path: string,
    rest: Omit<EngineRequest, 'method' | 'path'>,
  ): Promise<EngineAnswer> {
    return ask(this.#line, { ...rest, method, path: `/v${await this.#negotiated(rest)}${path}` });
  }

  /** Asked once, and again where it failed. */
  async #negotiated(options: CallOptions): Promise<string> {
    this.#version ??= negotiate(this.#line, options);
    try {
      return await this.#version;
    } catch (error) {
      this.#version = undefined;
      throw error;
    }
  }

  /** As DOCKER_HOST has it. */
  get host(): string {
    return engineHost(this.#line.address);
  }
}

export function json(body: object): { readonly body: { readonly type: string; readonly data: string } } {
  return { body: { type: 'application/json', data: JSON.stringify(body) } };
}

/** Throws for an answer that refuses. */
export function good(answer: EngineAnswer, doing: string): EngineAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw refused(refusalOf(answer), doing);
}

function isAnswer(started: Duplex | EngineAnswer): started is EngineAnswer {
  return 'status' in started;
}

/** What the engine answered, where it refused. */
export function refusedStatus(error: unknown): number | undefined {
  const status = error instanceof SidecarError ? error.facts['status'] : undefined;
  return typeof status === 'number' ? status : undefined;
}
