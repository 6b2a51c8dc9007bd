import { basename } from 'node:path';
import type { ServerChannel, Session } from 'ssh2';
import { runCommand, type CommandRequest, type RunningCommand } from './command.js';
import { isLocale } from './environment.js';
import type { Running } from './running.js';

export interface SessionSurroundings {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
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
 * One session channel (RFC 4254 §6): variables, then one command or shell, then signals. There is no terminal and no
 * sftp: ssh2 refuses what nobody listens for.
 */
export function acceptSession(session: Session, { home, env, keep }: SessionSurroundings): void {
  const locale: Record<string, string> = {};
  let running: RunningCommand | undefined;

  const run = (accept: AcceptChannel, command: Pick<CommandRequest, 'file' | 'args' | 'argv0'>): void => {
    const channel = accept();
    if (channel === undefined) return;
    running = runCommand(channel, { ...command, directory: home, env: { ...env, ...locale } });
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
  session.on('exec', (accept: AcceptChannel, _reject: Answer, { command }: { command: string }) => {
    run(accept, { file: '/bin/sh', args: ['-c', command] });
  });
  session.on('shell', (accept: AcceptChannel) => {
    const shell = env['SHELL'] ?? '/bin/sh';
    run(accept, { file: shell, args: [], argv0: `-${basename(shell)}` }); // the dash makes it a login shell
  });
  session.on('signal', (accept: Answer, _reject: Answer, { name }: { name: string }) => {
    running?.signal(name);
    accept?.();
  });
  // Not the channel's own 'close': that one waits until somebody has read what the client sent.
  session.on('close', () => running?.hangUp());
}
