import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { shellWord } from '../../transport/shell-word.js';
import { sttyArguments, type Terminal, type TerminalSize } from '../../transport/terminal.js';

/**
 * Terminals for a program that cannot make any: Node has none, and script(1) of util-linux does nothing else. Its own
 * words go nowhere; what is typed and shown passes through its stdin and stdout. (Those of BSD and busybox want a terminal
 * to begin with.)
 */
export async function canGiveTerminals(env: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await promisify(execFile)('script', ['--version'], { env }).catch(() => ({ stdout: '' }));
  return stdout.includes('util-linux');
}

export interface TerminalCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The same command on a terminal. To be started with one more pipe, number 3, of which `terminalOf` learns when it is
 * ready to be typed on.
 */
export function onTerminal({ file, args, env }: TerminalCommand, terminal: Terminal): TerminalCommand {
  const { term, columns, rows, modes = {} } = terminal;
  const { SHELL: shell = '/bin/sh' } = env;
  const words = [file, ...args].map(shellWord).join(' ');
  const line =
    `stty rows ${rows} cols ${columns} ${sttyArguments(modes).map(shellWord).join(' ')} 2>/dev/null; ` +
    `echo "$$ $(tty)" >&3; exec 3>&-; SHELL=${shellWord(shell)}; exec ${words}`;
  // script(1) has $SHELL read the line, and this one has to be a POSIX shell.
  return { file: 'script', args: ['-qefc', line, '/dev/null'], env: { ...env, SHELL: '/bin/sh', TERM: term } };
}

/** A terminal on which a command runs. */
export interface LocalTerminal {
  /** The process group of that command. */
  readonly leader: number;
  /** As in `/dev/pts/3`. */
  readonly path: string;
}

/** The terminal of a child that was started as `onTerminal` says; undefined when it ended before it had one. */
export async function terminalOf(child: ChildProcess): Promise<LocalTerminal | undefined> {
  const [leader = '', path = ''] = (await firstLine(child.stdio[3] as Readable)).split(' ');
  return /^\d+$/.test(leader) && path.startsWith('/dev/') ? { leader: Number(leader), path } : undefined;
}

export async function resize({ path }: LocalTerminal, { columns, rows }: TerminalSize): Promise<void> {
  const line = `stty rows ${rows} cols ${columns} <"$0"`;
  const stty = execFile('/bin/sh', ['-c', line, path], () => undefined);
  await once(stty, 'close').catch(() => undefined);
}

/** Its end says nothing: script(1) keeps the pipe open as well. */
async function firstLine(pipe: Readable): Promise<string> {
  let said = '';
  try {
    for await (const chunk of pipe) {
      said += String(chunk);
      if (said.includes('\n')) break;
    }
  } catch {
    // Then nobody says anything.
  }
  return said.split('\n')[0] ?? '';
}
