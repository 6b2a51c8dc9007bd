import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { SidecarError } from '../errors.js';
import { neutralOptions } from './environment.js';

/** Where and with what environment a git runs. */
export interface GitPlace {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
}

export interface GitOutput {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number;
}

/** How much of git's messages is kept, in bytes. */
const messageLimit = 16 * 1024;

/**
 * Runs git and returns its output as bytes: paths and file contents are no text. `accept` lists the exit codes that are
 * answers and not failures (0 unless given).
 *
 * Throws `git.missing` when there is no git, `git.failed` {command, exitCode, reason} for any other exit code, and the
 * signal's reason when it is aborted.
 */
export async function runGit(
  place: GitPlace,
  args: readonly string[],
  options: { readonly stdin?: Buffer | string; readonly accept?: readonly number[] } = {},
): Promise<GitOutput> {
  const child = startGit(place, args);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined); // git may answer without reading everything
  child.stdin.end(options.stdin ?? '');
  const { code, stderr } = await child.finished;
  if (!(options.accept ?? [0]).includes(code)) throw failure(args, code, stderr);
  return { stdout: Buffer.concat(chunks), stderr, code };
}

/** A running git whose output is read as a stream. `finished` settles after the output has been read to its end. */
export interface RunningGit {
  readonly stdin: NonNullable<ChildProcess['stdin']>;
  readonly stdout: Readable;
  /** Rejects with `git.missing`, or with the signal's reason. */
  readonly finished: Promise<{ readonly code: number; readonly stderr: string }>;
  readonly stop: () => void;
}

/** Starts git for a caller that streams. The caller judges the exit code: see `failure`. */
export function startGit(place: GitPlace, args: readonly string[]): RunningGit {
  place.signal?.throwIfAborted();
  const child = spawn('git', [...neutralOptions, ...args], {
    cwd: place.cwd,
    env: place.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-messageLimit);
  });
  const onAbort = (): void => void child.kill('SIGTERM');
  place.signal?.addEventListener('abort', onAbort, { once: true });
  const finished = new Promise<{ code: number; stderr: string }>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT' && existsSync(place.cwd)
          ? new SidecarError('git.missing', {}, { cause: error, retryable: false })
          : new SidecarError('git.failed', { command: args[0] ?? '', reason: error.message }, { cause: error }),
      );
    });
    child.once('close', (code, signal) => {
      place.signal?.removeEventListener('abort', onAbort);
      if (place.signal?.aborted === true) reject(place.signal.reason as Error);
      else resolve({ code: code ?? 1, stderr: signal === null ? stderr : `${stderr}ended by ${signal}` });
    });
  });
  finished.catch(() => undefined); // a caller may look at it late
  return { stdin: child.stdin, stdout: child.stdout, finished, stop: () => void child.kill('SIGTERM') };
}

/** What git prints, as a stream that is read at the reader's pace. Throws `git.failed` at the end, as `runGit` does. */
export async function* gitOutput(place: GitPlace, args: readonly string[]): AsyncGenerator<Buffer, void> {
  const git = startGit(place, args);
  git.stdin.on('error', () => undefined);
  git.stdin.end();
  try {
    for await (const chunk of git.stdout) yield chunk as Buffer;
  } finally {
    git.stop(); // where nobody reads on
  }
  const { code, stderr } = await git.finished;
  if (code !== 0) throw failure(args, code, stderr);
}

/** The error for a git that ended with an exit code that is no answer. */
export function failure(args: readonly string[], exitCode: number, stderr: string): SidecarError {
  const reason = stderr
    .split('\n')
    .filter((line) => /^(fatal|error):/.test(line))
    .map((line) => line.replace(/^(fatal|error): /, ''))
    .join('; ');
  return new SidecarError(
    'git.failed',
    { command: args[0] ?? '', exitCode, reason: reason === '' ? stderr.trim().slice(-600) : reason.slice(0, 600) },
    { retryable: false },
  );
}
