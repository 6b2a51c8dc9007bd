import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Tells whether `directory` is among the arguments of a live process: how a server is known again, since its number may
 * have passed to another process. A process that is gone, or dead and not yet collected, has no arguments.
 */
export async function hasArgument(pid: number, directory: string, proc = '/proc'): Promise<boolean> {
  if (existsSync(join(proc, 'self', 'cmdline'))) {
    const line = await readFile(join(proc, String(pid), 'cmdline'), 'utf8').catch(() => '');
    return line.split('\0').includes(directory);
  }
  // No Linux: ps prints the arguments with spaces between them.
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.trimEnd().endsWith(` ${directory}`);
}
