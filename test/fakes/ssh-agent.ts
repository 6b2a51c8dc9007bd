import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPart } from './parts.js';

const run = promisify(execFile);

export interface RunningAgent {
  readonly socket: string;
  /** `ssh-add`, with options such as `-c` in front of the path. */
  add(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A real ssh-agent of its own, in the foreground, on a socket in `directory`. */
export async function startAgent(directory: string): Promise<RunningAgent> {
  const socket = join(directory, 'agent.sock');
  const child = spawn(findPart('ssh-agent') ?? 'ssh-agent', ['-D', '-a', socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // It prints the socket's name once it listens.
  await once(child.stdout, 'data');
  return {
    socket,
    add: async (...args) => {
      await run('ssh-add', ['-q', ...args], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    },
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}
