import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Clock } from '../../clock.js';
import { endWithProcess, forgetEnded } from '../../transport/route/end-group.js';
import { programEnvironment } from '../../transport/route/program-environment.js';
import { signalGroup } from '../../transport/route/signal-group.js';

/** What a program has to tidy up, once it is told to end, in milliseconds. */
const graceMs = 5_000;

/** How long its outputs may stay open once it has ended: something that it started may hold them for good. */
const leftOpenMs = 1_000;

/** A program that runs in a process group and a session of its own: Ctrl-C does not reach it, and it has no terminal. */
export class ProviderProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  readonly #exited: Promise<unknown>;
  #stopped: Promise<void> | undefined;

  private constructor(child: ChildProcessWithoutNullStreams, clock: Clock) {
    this.child = child;
    this.#clock = clock;
    this.#exited = once(child, 'exit');
    child.on('error', ignore); // a signal that could not be sent
    child.stdin.on('error', ignore); // one that reads nothing may still answer
  }

  /**
   * Resolves once it runs, in `/`, wherever the user is. Rejects with the system's error when it cannot be started.
   *
   * It gets the user's environment as it is, with all by which engines and clusters are found, but no secret of ours.
   */
  static async start(
    argv: readonly [string, ...string[]],
    { env, clock }: { readonly env: NodeJS.ProcessEnv; readonly clock: Clock },
  ): Promise<ProviderProcess> {
    const [file, ...args] = argv;
    const child = spawn(file, args, { cwd: '/', env: programEnvironment(env), stdio: 'pipe', detached: true });
    await once(child, 'spawn');
    endWithProcess(child);
    child.once('exit', () => forgetEnded(child));
    return new ProviderProcess(child, clock);
  }

  /** How it ended, once it has and all that it said was heard. `how` says so in words: "it exited with 3". */
  async ended(): Promise<ProcessEnd> {
    const { child } = this;
    await this.#exited;
    const heard = new AbortController();
    await Promise.race([
      Promise.all([closed(child.stdout), closed(child.stderr)]),
      this.#clock.sleep(leftOpenMs, heard.signal).catch(ignore),
    ]);
    heard.abort();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    const { exitCode, signalCode } = child;
    const how = exitCode === null ? `it was ended by ${signalCode ?? 'a signal'}` : `it exited with ${exitCode}`;
    return { ok: exitCode === 0, exitCode, how };
  }

  /** Ends it and all that it started: SIGTERM, and SIGKILL 5 s later. Resolves when it has ended. May be called twice. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    signalGroup(pid, 'SIGTERM');
    const over = new AbortController();
    await Promise.race([this.#exited, this.#clock.sleep(graceMs, over.signal).catch(ignore)]);
    over.abort();
    // What it has left behind, too.
    signalGroup(pid, 'SIGKILL');
    await this.#exited;
  }
}

export interface ProcessEnd {
  readonly ok: boolean;
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly how: string;
}

async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()));
}

const ignore = (): void => undefined;
