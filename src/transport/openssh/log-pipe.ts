import { execFile } from 'node:child_process';
import { constants, open } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

/**
 * Makes a pipe that has a name, and reads it.
 *
 * It is open for writing here as well: so a program that opens it waits for nobody, and nobody waits for a program that
 * never does. It therefore has no end, and has to be destroyed. `env` is where the system's own programs are looked for.
 */
export async function openLogPipe(path: string, env: NodeJS.ProcessEnv): Promise<Socket> {
  await promisify(execFile)('/bin/sh', ['-c', make, path], { env });
  const fd = await promisify(open)(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** Whatever is on PATH, `-p` finds the programs that every system has. */
const make = 'mkfifo -m 600 "$0" 2>/dev/null || command -p mkfifo -m 600 "$0"';
