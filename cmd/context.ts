import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../src/clock.js';
import { SidecarError } from '../src/errors.js';
import { Output, type OutputStream } from './ui/output.js';
import type { LocalTerminal } from './ui/local-terminal.js';

/** What the process hands to the program: nothing below `cmd/process.ts` reads `process`. */
export interface World {
  /** The arguments without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Throws when the current directory was removed. */
  readonly cwd: () => string;
  readonly homeDir: string;
  readonly platform: NodeJS.Platform;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly terminal: LocalTerminal;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Does what Ctrl-C does. */
  readonly interrupt: () => void;
  /** Rejects with an error that nobody caught. */
  readonly crashed: Promise<never>;
}

/** The options that every command takes, before or after its name. */
export interface GlobalOptions {
  /** `-C`, given any number of times: each is relative to the one before, as git's. */
  readonly C?: string;
  readonly sidecar?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly daemon: boolean;
}

/** What a command works with. */
export interface Context {
  /** Where the command works: the current directory, or what `-C` says. */
  readonly directory: string;
  /** What `-s` says. */
  readonly sidecar: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir: string;
  readonly platform: NodeJS.Platform;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Aborted by the first Ctrl-C too, and else once the command has come to its end, in whatever way. */
  readonly ending: AbortSignal;
  readonly interrupt: () => void;
  readonly output: Output;
  readonly terminal: LocalTerminal;
  /** Whether the daemon may do the work, and may be started. */
  readonly daemon: boolean;
  /** Has the process wait for this work before it ends: also where it is interrupted, or the command gives up by itself. */
  readonly finishing: <T>(work: Promise<T>) => Promise<T>;
}

/** Throws `usage.invalid` when there is no directory to work in. */
export function createContext(
  world: World,
  options: GlobalOptions,
  { output, ending, finishing }: Pick<Context, 'output' | 'ending' | 'finishing'>,
): Context {
  const { env, homeDir, platform, signal, interrupt, terminal } = world;
  return {
    directory: existingDirectory(world.cwd, options.C),
    sidecar: options.sidecar,
    env,
    homeDir,
    platform,
    clock: systemClock,
    signal,
    ending,
    interrupt,
    output,
    terminal,
    finishing,
    daemon: options.daemon && (env['SIDECAR_NO_DAEMON'] ?? '') === '',
  };
}

export function createOutput({ stdout, stderr, env }: World, options: GlobalOptions): Output {
  const { json = false, quiet = false, verbose = false, color } = options;
  return new Output({ stdout, stderr, env, json, quiet, verbose, color });
}

function existingDirectory(cwd: () => string, change = '.'): string {
  let directory = change;
  try {
    directory = resolve(cwd(), change);
    if (statSync(directory).isDirectory()) return directory;
  } catch (cause) {
    throw new SidecarError(
      'usage.invalid',
      { reason: 'there is no such directory to work in', path: directory },
      { cause },
    );
  }
  throw new SidecarError('usage.invalid', { reason: 'not a directory', path: directory });
}
