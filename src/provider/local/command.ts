import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { constants } from 'node:os';
import { Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import type { Terminal, TerminalSize } from '../../transport/terminal.js';
import type { Exit } from '../../transport/transport.js';
import { ChannelOutput } from './channel-output.js';
import { signalGroup } from '../../transport/route/signal-group.js';
import { endProcessGroup } from './process-group.js';
import type { Running } from './running.js';
import { onTerminal, resize, terminalOf, type LocalTerminal } from './terminal.js';

export interface CommandRequest {
  readonly file: string;
  readonly args: readonly string[];
  /** What the program is told that it is called, when not `file`. */
  readonly argv0?: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly terminal?: Terminal | undefined;
}

export interface RunningCommand extends Running {
  /** Passes a signal on to the command and what it started. `name` is without `SIG`, as RFC 4254 §6.9 has it. */
  signal(name: string): void;
  /** Of its terminal, where it has one. */
  resize(size: TerminalSize): void;
}

/** Runs a command in a process group of its own, its three streams on the channel. */
export function runCommand(channel: ServerChannel, request: CommandRequest): RunningCommand {
  const output = new ChannelOutput(channel);
  const started = start(request);
  if (started instanceof Error) return reportFailure(channel, output, started);
  const { child, leader } = started;
  const terminal = request.terminal === undefined ? undefined : terminalOf(child);
  // What is typed before the terminal is set up would be shown as no one wants it.
  if (terminal === undefined) feed(channel, child.stdin);
  else void terminal.then(() => feed(channel, child.stdin));

  const force = new AbortController();
  let resized = Promise.resolve();
  let over = false; // and the group's number free for another
  const done = run(child, output)
    .then(() => endProcessGroup(leader, force.signal))
    .then(async () => endTerminal(await terminal, force.signal))
    .then(() => {
      over = true;
    });
  return {
    done,
    hangUp: (how) => {
      if (over) return;
      output.abandon();
      // A command must not take the loss of its client for the end of its input.
      channel.unpipe(child.stdin);
      child.stdout.destroy();
      child.stderr.destroy();
      if (how === 'kill') force.abort();
      void endProcessGroup(leader, force.signal);
      void terminal?.then((its) => endTerminal(its, force.signal));
    },
    signal: (name) => {
      const signal = Object.hasOwn(namedSignals, name) ? namedSignals[name] : undefined;
      if (signal === undefined || over) return;
      if (terminal === undefined) signalGroup(leader, signal);
      else void terminal.then((its) => its !== undefined && !over && signalGroup(its.leader, signal));
    },
    resize: (size) => {
      resized = resized.then(async () => {
        const its = await terminal;
        if (its !== undefined && !over) await resize(its, size);
      });
    },
  };
}

/** A terminal that is gone hangs up by itself, on those who listen. */
async function endTerminal(terminal: LocalTerminal | undefined, force: AbortSignal): Promise<void> {
  if (terminal !== undefined) await endProcessGroup(terminal.leader, force);
}

function start({ argv0, directory, terminal, ...command }: CommandRequest): Started | Error {
  try {
    const { file, args, env } = terminal === undefined ? command : onTerminal(command, terminal);
    // Detached makes it the leader of a group, so that all of it can be ended.
    const options = { cwd: directory, env: { ...env }, detached: true, ...(argv0 === undefined ? {} : { argv0 }) };
    const stdio = Array.from({ length: terminal === undefined ? 3 : 4 }, () => 'pipe' as const);
    const child = spawn(file, args, { ...options, stdio });
    child.on('error', () => undefined); // tells again what a missing pid says
    return child.pid === undefined ? new Error(`cannot start ${file} in ${directory}`) : { child, leader: child.pid };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error)); // such as E2BIG
  }
}

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly leader: number;
}

/** The command's input comes from the channel. What comes after it stopped reading is dropped, as sshd does. */
function feed(channel: ServerChannel, stdin: Writable): void {
  const drop = (): void => {
    channel.unpipe(stdin);
    channel.resume();
  };
  stdin.on('error', drop).on('close', drop);
  channel.pipe(stdin);
}

async function run(child: ChildProcessWithoutNullStreams, output: ChannelOutput): Promise<void> {
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve(exitOf(code, signal))));
  await Promise.all([output.copy(child.stdout, 'stdout'), output.copy(child.stderr, 'stderr')]);
  await Promise.race([exited, sleep(statusMs)]);
  output.endOfFile();
  output.finish(await exited);
}

/**
 * Outputs end a moment before their command does. Told of it in two messages, ssh2's own client closes the channel in
 * between and never learns the exit status: so the end of file waits a little for company.
 */
const statusMs = 100;

function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (signal === null) return { kind: 'code', code: code ?? 255 };
  const name = Object.entries(namedSignals).find(([, each]) => each === signal)?.[0];
  // For a signal without a name, say what a shell would.
  return name === undefined
    ? { kind: 'code', code: 128 + constants.signals[signal] }
    : { kind: 'signal', signal: name };
}

/** The signals that have a name in RFC 4254 §6.10. */
const namedSignals: Readonly<Record<string, NodeJS.Signals>> = {
  ABRT: 'SIGABRT',
  ALRM: 'SIGALRM',
  FPE: 'SIGFPE',
  HUP: 'SIGHUP',
  ILL: 'SIGILL',
  INT: 'SIGINT',
  KILL: 'SIGKILL',
  PIPE: 'SIGPIPE',
  QUIT: 'SIGQUIT',
  SEGV: 'SIGSEGV',
  TERM: 'SIGTERM',
  USR1: 'SIGUSR1',
  USR2: 'SIGUSR2',
};

/** A command that could not be started: says so in its place, with the exit code that a shell has for it. */
function reportFailure(channel: ServerChannel, output: ChannelOutput, error: Error): RunningCommand {
  channel.resume();
  const message = Readable.from([Buffer.from(`sidecar: ${error.message}\n`)]);
  return {
    done: output.copy(message, 'stderr').then(() => output.finish({ kind: 'code', code: 126 })),
    hangUp: () => output.abandon(),
    signal: () => undefined,
    resize: () => undefined,
  };
}
