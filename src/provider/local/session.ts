import { basename } from 'node:path';
import type { PseudoTtyInfo, ServerChannel, Session, WindowChangeInfo } from 'ssh2';
import type { Terminal } from '../../transport/terminal.js';
import { runCommand, type CommandRequest, type RunningCommand } from './command.js';
import { isLocale } from './environment.js';
import type { Running } from './running.js';

export interface SessionSurroundings {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** See terminal.ts. */
  readonly hasTerminals: boolean;
  /** Called with what the session runs. */
  readonly keep: (running: Running) => void;
}

/**
 * ssh2's types leave out that there is no answer to give when the client wants none, and no channel for a second
 * command in one session.
 */
type Answer = (() => void) | undefined;
type AcceptChannel = () => ServerChannel | undefined;

/**
 * One session channel (RFC 4254 §6): variables and perhaps a terminal, then one command or shell, then signals and sizes.
 * There is no sftp: ssh2 refuses what nobody listens for.
 */
export function acceptSession(session: Session, { home, env, hasTerminals, keep }: SessionSurroundings): void {
  const locale: Record<string, string> = {};
  let terminal: Terminal | undefined;
  let running: RunningCommand | undefined;

  const run = (accept: AcceptChannel, command: Pick<CommandRequest, 'file' | 'args' | 'argv0'>): void => {
    const channel = accept();
    if (channel === undefined) return;
    running = runCommand(channel, { ...command, directory: home, env: { ...env, ...locale }, terminal });
    keep(running);
  };
  session.on('env', (accept: Answer, reject: Answer, { key, val }: { key: string; val: string }) => {
    if (!isLocale(key)) {
      reject?.();
      return;
    }
    locale[key] = val;
    accept?.();
  });
  session.on('pty', (accept: Answer, reject: Answer, { term, cols, rows, modes }: PseudoTtyInfo) => {
    if (!hasTerminals) {
      reject?.();
      return;
    }
    terminal = { term, columns: cols, rows, modes: { ...modes } as Record<string, number> };
    accept?.();
  });
  session.on('window-change', (accept: Answer, _reject: Answer, { cols, rows }: WindowChangeInfo) => {
    running?.resize({ columns: cols, rows });
    accept?.();
  });
  session.on('exec', (accept: AcceptChannel, _reject: Answer, { command }: { command: string }) => {
    run(accept, { file: '/bin/sh', args: ['-c', command] });
  });
  session.on('shell', (accept: AcceptChannel) => {
    const shell = env['SHELL'] ?? '/bin/sh';
    if (terminal !== undefined) run(accept, { file: shell, args: ['-l'] });
    else run(accept, { file: shell, args: [], argv0: `-${basename(shell)}` }); // the dash makes it a login shell
  });
  session.on('signal', (accept: Answer, _reject: Answer, { name }: { name: string }) => {
    running?.signal(name);
    accept?.();
  });
  // Not the channel's own 'close': that one waits until somebody has read what the client sent.
  session.on('close', () => running?.hangUp());
}
