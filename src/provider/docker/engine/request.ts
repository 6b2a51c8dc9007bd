import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { SidecarError } from '../../../errors.js';
import type { EngineAddress } from './address.js';
import { dialEngine } from './dial.js';
import { noAnswer, tooLate } from './failure.js';

/** One engine, and what programs that lead to it are started with. */
export interface EngineLine {
  readonly address: EngineAddress;
  readonly env: NodeJS.ProcessEnv;
}

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: { readonly type: string; readonly data: Uint8Array | string } | undefined;
  /** `registryAuth` of the login at a registry that it has to do with. */
  readonly registryAuth?: string | undefined;
  /** Asks for a stream in both directions. */
  readonly upgrade?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** How long it may take, in milliseconds. Default: a minute. */
  readonly limitMs?: number;
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const usualLimitMs = 60_000;
const maxBodyBytes = 32 * 1024 * 1024;

/**
 * A whole answer, whatever its status. Each request has a connection of its own: one that was kept may be dead, and
 * nobody can tell then whether what was asked over it was done.
 *
 * Throws `provider.unavailable`, with `maybeApplied` where that is so, or the signal's reason.
 */
export async function ask(line: EngineLine, asked: EngineRequest): Promise<EngineAnswer> {
  return exchange(line, asked, readWhole);
}

/** As `ask`, with the lines of an answer as they come; `limitMs` is for each of them. Blank ones are left out. */
export async function askForLines(
  line: EngineLine,
  asked: EngineRequest,
  onLine: (text: string) => void,
): Promise<EngineAnswer> {
  return exchange(line, asked, async (response, alive) => {
    if (response.statusCode !== 200) return readWhole(response);
    let rest = '';
    for await (const text of response.setEncoding('utf8') as AsyncIterable<string>) {
      alive();
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      if (rest.length > maxBodyBytes) throw new Error('its answer does not end');
      for (const each of lines.filter((each) => each !== '')) onLine(each);
    }
    if (rest !== '') onLine(rest);
    return { status: 200, body: Buffer.alloc(0) };
  });
}

/** As `ask`, for a stream that takes the place of the connection, or the answer that refuses it. */
export async function askForStream(line: EngineLine, asked: EngineRequest): Promise<Duplex | EngineAnswer> {
  let stream: Duplex | undefined;
  const answer = await exchange(line, { ...asked, upgrade: true }, readWhole, (socket) => (stream = socket));
  return stream ?? answer;
}

async function readWhole(response: IncomingMessage): Promise<EngineAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Throws where the connection is cut in the middle.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error('its answer does not end');
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
}

type Read = (response: IncomingMessage, alive: () => void) => Promise<EngineAnswer>;

function exchange(
  line: EngineLine,
  asked: EngineRequest,
  read: Read,
  onUpgrade?: (socket: Duplex) => void,
): Promise<EngineAnswer> {
  const { method, path, body, registryAuth, upgrade = false, signal, limitMs = usualLimitMs } = asked;
  return new Promise<EngineAnswer>((resolve, reject) => {
    let reached = false;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const progress = () => ({ address: line.address, maybeApplied: reached && method !== 'GET' });
    const settle = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (error: unknown): void =>
      settle(() => {
        sent.destroy();
        reject(error instanceof SidecarError && line.address.kind !== 'ssh' ? error : noAnswer(error, progress()));
      });
    const giveUp = (error: Error): void =>
      settle(() => {
        sent.destroy();
        reject(error);
      });
    const onAbort = (): void => giveUp(signal?.reason as Error);
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => giveUp(tooLate(limitMs, progress())), limitMs);
    };

    const sent = request({
      method,
      path,
      headers: {
        // A name that the engine's checks of DNS rebinding know.
        Host: 'docker',
        ...(body === undefined
          ? { 'Content-Length': 0 }
          : { 'Content-Type': body.type, 'Content-Length': Buffer.byteLength(body.data) }),
        ...(registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth }),
        ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
      },
      createConnection: (_options, connected) => {
        dialEngine(line.address, line.env).then(
          (socket) => {
            if (isOver) socket.destroy();
            if (line.address.kind === 'ssh') reached = true;
            socket.once(
              line.address.kind === 'tcp' && line.address.tls !== undefined ? 'secureConnect' : 'connect',
              () => {
                reached = true;
              },
            );
            connected(null, socket);
          },
          (error: unknown) => connected(error as Error, undefined as unknown as Duplex),
        );
        return undefined;
      },
    });
    sent
      .on('error', fail)
      .on('response', (response) => {
        read(response, alive).then((answer) => settle(() => resolve(answer)), fail);
      })
      .on('upgrade', (_response, socket, head) => {
        if (isOver || onUpgrade === undefined) {
          socket.destroy();
          return;
        }
        if (head.length > 0) socket.unshift(head);
        onUpgrade(socket);
        settle(() => resolve({ status: 101, body: Buffer.alloc(0) }));
      });
    alive();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else sent.end(body?.data);
  });
}
