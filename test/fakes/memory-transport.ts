import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform, type Duplex, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SidecarError } from '../../src/errors.js';
import { onTerminal, resize, terminalOf } from '../../src/provider/local/terminal.js';
import { brokenPipe, readableFrom, writableInto } from '../../src/transport/ssh2/streams.js';
import type { Terminal, TerminalSize } from '../../src/transport/terminal.js';
import type { Channel, ExecOptions, Exit, Transport } from '../../src/transport/transport.js';

/** What the far side does with a command. `ended` is aborted when the transport is closed. */
export type Handler = (
  command: string,
  io: {
    readonly stdin: Readable;
    readonly stdout: Writable;
    readonly stderr: Writable;
    readonly ended: AbortSignal;
    readonly terminal?: Terminal | undefined;
    /** Has every new size of the terminal told. */
    readonly onResize?: (listener: (size: TerminalSize) => void) => void;
    /** Aborted when the channel is closed, or lost. */
    readonly hungUp?: AbortSignal;
  },
) => Promise<Exit>;

/** Where the connection breaks: after exactly so many bytes, counted over all its channels. */
export interface Cut {
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
}

export interface MemoryTransport extends Transport {
  /** Loses the connection now. */
  cut(): void;
}

/** A Transport within this process, on which `handler` plays the far side. */
export function memoryTransport(handler: Handler, cutAfter: Cut = {}): MemoryTransport {
  const channels = new Set<{ lose(error: Error): void }>();
  const ended = new AbortController();
  let gone: SidecarError | undefined;
  let resolveClosed: (error: Error | undefined) => void = () => undefined;

  /** `lost` where it is a loss. */
  const end = (error: SidecarError, lost: SidecarError | undefined): void => {
    if (gone !== undefined) return;
    gone = error;
    for (const channel of channels) channel.lose(gone);
    resolveClosed(lost);
  };
  const cut = (): void => {
    const error = lostBy('the connection was cut', true);
    end(error, error);
  };
  const sent = new Meter(cutAfter.sentBytes, cut);
  const received = new Meter(cutAfter.receivedBytes, cut);
  const remember = (channel: { lose(error: Error): void }, done: Promise<unknown>): void => {
    channels.add(channel);
    const forget = (): void => void channels.delete(channel);
    done.then(forget, forget);
  };

  return {
    closed: new Promise((resolve) => (resolveClosed = resolve)),
    cut,
    exec: (command, options = {}) => {
      if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error);
      if (gone !== undefined) return Promise.reject(gone);
      const channel = new MemoryChannel({ stdin: sent.stream(), stdout: received.stream(), stderr: received.stream() });
      remember(channel, channel.exit);
      const { terminal } = options;
      channel.run((io) => handler(command, { ...io, ended: ended.signal, terminal }), options);
      return Promise.resolve<Channel>(channel);
    },
    forward: async (target) => {
      if (gone !== undefined) throw gone;
      const socket = await openSocket(target);
      remember({ lose: (error) => socket.destroy(error) }, once(socket, 'close'));
      return socket;
    },
    listen: async ({ host, port }, onConnection) => {
      if (gone !== undefined) throw gone;
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        socket.on('error', ignore);
        remember({ lose: (error) => socket.destroy(error) }, once(socket, 'close'));
        onConnection({ accept: () => (gone === undefined ? socket : undefined), refuse: () => socket.destroy() });
      });
      server.listen({ port, ...(host === '' ? {} : { host }), exclusive: true });
      try {
        await once(server, 'listening');
      } catch (cause) {
        const facts = { listenHost: host, listenPort: port };
        throw new SidecarError('forward.remote_refused', facts, { cause, retryable: false });
      }
      remember({ lose: () => server.close() }, once(server, 'close'));
      const close = (): Promise<void> => Promise.resolve(void server.close());
      return { port: (server.address() as AddressInfo).port, close };
    },
    close: (lost) => {
      end(lost ?? lostBy('the connection was closed here', false), lost);
      ended.abort();
      return Promise.resolve();
    },
  };
}

/** The far side as a real shell, `/bin/sh` unless `program` says otherwise, that runs each command with `-c` like a login over SSH. */
export function shell({
  program = '/bin/sh',
  ...options
}: { readonly program?: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Handler {
  return async (command, { stdin, stdout, stderr, ended, terminal, onResize, hungUp }) => {
    const env = { ...(options.env ?? process.env) } as Record<string, string>;
    const plain = { file: program, args: ['-c', command], env };
    const { file, args, env: itsEnv } = terminal === undefined ? plain : onTerminal(plain, terminal);
    const stdio = Array.from({ length: terminal === undefined ? 3 : 4 }, () => 'pipe' as const);
    // A process group of its own, to end with everything that it started.
    const started = spawn(file, args, { ...options, env: itsEnv, stdio, detached: true });
    const child = started;
    const kill = (): void => killGroup(child.pid);
    ended.addEventListener('abort', kill);
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    if (terminal === undefined) pipeline(stdin, child.stdin).catch(ignore);
    else {
      hungUp?.addEventListener('abort', kill);
      const ready = terminalOf(child);
      void ready.then(() => pipeline(stdin, child.stdin).catch(ignore));
      let resized: Promise<unknown> = ready;
      onResize?.((size) => {
        resized = resized.then(async () => {
          const its = await ready;
          if (its !== undefined && child.exitCode === null) await resize(its, size);
        });
      });
    }
    const [[code, signal]] = await Promise.all([
      exited,
      pipeline(child.stdout, stdout).catch(ignore),
      pipeline(child.stderr, stderr).catch(ignore),
    ]);
    ended.removeEventListener('abort', kill);
    return signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal: signal.replace('SIG', '') };
  };
}

interface Pipes {
  readonly stdin: Duplex;
  readonly stdout: Duplex;
  readonly stderr: Duplex;
}

type Line = Required<Pick<Parameters<Handler>[1], 'onResize' | 'hungUp'>>;

class MemoryChannel implements Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<Exit>;
  readonly #far: Pipes;
  readonly #hungUp = new AbortController();
  #onResize: (size: TerminalSize) => void = ignore;
  #settle: { resolve(exit: Exit): void; reject(error: Error): void } | undefined;

  constructor(far: Pipes) {
    this.#far = far;
    this.stdin = writableInto(far.stdin, () => far.stdin.end());
    this.stdout = readableFrom(far.stdout);
    this.stderr = readableFrom(far.stderr);
    this.exit = new Promise<Exit>((resolve, reject) => (this.#settle = { resolve, reject }));
    this.exit.catch(ignore);
  }

  run(handle: (io: Pipes & Line) => Promise<Exit>, { signal }: ExecOptions): void {
    const onAbort = (): void => this.lose(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    const { stdout, stderr } = this.#far;
    const outputs = Promise.all([once(stdout, 'end'), once(stderr, 'end')]);
    const onResize: Line['onResize'] = (listener) => (this.#onResize = listener);
    handle({ ...this.#far, onResize, hungUp: this.#hungUp.signal })
      .then(async (exit) => {
        stdout.end();
        stderr.end();
        await outputs;
        this.#settle?.resolve(exit);
        this.#settle = undefined;
        if (!this.stdin.writableFinished) this.stdin.destroy(brokenPipe());
      })
      .catch((error: unknown) => this.lose(error as Error))
      .finally(() => signal?.removeEventListener('abort', onAbort))
      .catch(ignore);
    outputs.catch(ignore);
  }

  resize(size: TerminalSize): void {
    if (this.#settle !== undefined) this.#onResize(size);
  }

  close(): void {
    this.lose(new SidecarError('ssh.connection_lost', { reason: 'the channel was closed here' }, { retryable: false }));
  }

  lose(error: Error): void {
    if (this.#settle === undefined) return;
    this.#settle.reject(error);
    this.#settle = undefined;
    const { stdin, stdout, stderr } = this.#far;
    for (const stream of [this.stdin, this.stdout, this.stderr, stdout, stderr]) stream.destroy(error);
    // As sshd does it: the command reads what had arrived, then the end of its input, and writes into the void.
    stdin.end();
    this.#hungUp.abort();
  }
}

/** Counts one direction of the connection, and breaks it at the byte that was asked for. */
class Meter {
  #leftBytes: number;
  readonly #onEmpty: () => void;

  constructor(bytes: number | undefined, onEmpty: () => void) {
    this.#leftBytes = bytes ?? Infinity;
    this.#onEmpty = onEmpty;
  }

  stream(): Duplex {
    const stream = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const passed = chunk.subarray(0, this.#leftBytes);
        this.#leftBytes -= passed.length;
        done(null, passed);
        if (passed.length < chunk.length) this.#onEmpty();
      },
    });
    return stream.on('error', ignore);
  }
}

const lostBy = (reason: string, retryable: boolean): SidecarError =>
  new SidecarError('ssh.connection_lost', { reason }, { retryable });

async function openSocket({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new SidecarError('ssh.channel_refused', { host, port, reason: 'Connection refused' }, { cause });
  }
  return socket.on('error', ignore);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const ignore = (): void => undefined;
