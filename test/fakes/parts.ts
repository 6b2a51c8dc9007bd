import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** sshd wants to be started by its full path, and `/usr/sbin` is on nobody's PATH. */
const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** Where a program of this machine is, or undefined. */
export function findPart(program: string): string | undefined {
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

/**
 * Tests that run on real programs. Where one is missing they are skipped, and the title says so; on CI they run and
 * fail, so that nothing goes untested in silence.
 */
export function describeWith(parts: readonly string[], title: string, body: () => void): void {
  const missing = parts.filter((part) => findPart(part) === undefined);
  if (missing.length === 0 || process.env['CI'] === 'true') describe(title, body);
  else describe.skip(`${title} (skipped: no ${missing.join(', no ')} here)`, body);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
