import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SyncRequest } from '../../../src/sync/request.js';
import type { Exit, Transport } from '../../../src/transport/transport.js';
import { shell, type Handler } from '../../fakes/memory-transport.js';
import type { FarSide } from '../../sync/far-side.js';

export interface FarLogin {
  readonly handler: Handler;
  /** Resolves once nothing runs over there any more. */
  settled(): Promise<void>;
}

export interface LoginOptions {
  readonly env?: Record<string, string>;
  /**
   * What becomes of a command whose connection went: sshd lets it run on, into closed pipes; the machine of `sidecar
   * create` ends it, and so does a machine that dies.
   */
  readonly afterlife: 'runs on' | 'killed';
}

/** A login over there, as real as the shell of FarSide. */
export function farLogin(side: FarSide, { env, afterlife }: LoginOptions): FarLogin {
  const options = { cwd: side.home, env: { PATH: process.env['PATH'], HOME: side.home, USER: 'dev', ...env } };
  const start = afterlife === 'killed' ? shell(options) : outliving(options);
  const running = new Set<Promise<unknown>>();
  return {
    handler: (command, io) => {
      const run = start(command, io);
      running.add(run);
      return run;
    },
    settled: async () => {
      await Promise.allSettled(running);
    },
  };
}

/** Settles when the shell has ended and everything that it started has closed its outputs. */
function outliving(options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Handler {
  return async (command, { stdin, stdout, stderr }) => {
    const child = spawn('/bin/sh', ['-c', command], { ...options, detached: true });
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    pipeline(stdin, child.stdin).catch(() => undefined);
    const outputs = [pipeline(child.stdout, stdout), pipeline(child.stderr, stderr)];
    const [[code, signal]] = await Promise.all([closed, ...outputs.map((output) => output.catch(() => undefined))]);
    return signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal: signal.replace('SIG', '') };
  };
}

/** How a sync opens its sessions: a connection that is lost is opened anew at once, or not `again`. */
export function opening(open: () => Transport, { again = true } = {}): Pick<SyncRequest, 'open'> {
  return {
    open: (_, lost) =>
      lost === undefined || again
        ? Promise.resolve({ transport: open(), attempts: 1, elapsedMs: 0 })
        : Promise.reject(lost.error),
  };
}

/** Everything that passed over a connection. */
export interface Recording {
  readonly sent: Buffer[];
  readonly received: Buffer[];
}

export function recorded(handler: Handler, into: Recording): Handler {
  return async (command, io): Promise<Exit> => {
    io.stdin.on('data', (chunk: Buffer) => into.sent.push(chunk));
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    // Both count: they share the connection.
    for (const output of [stdout, stderr]) output.on('data', (chunk: Buffer) => into.received.push(chunk));
    const [exit] = await Promise.all([
      handler(command, { ...io, stdout, stderr }),
      pipeline(stdout, io.stdout),
      pipeline(stderr, io.stderr),
    ]);
    return exit;
  };
}
