import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';

/** Since Node 22.8: https://nodejs.org/api/module.html#moduleenablecompilecachecachedir */
const { enableCompileCache } = module as { enableCompileCache?: (directory: string) => unknown };

/**
 * Has Node keep what it compiled of this program beside our state, and take it from there the next time. Only where
 * nobody else can write, for what is kept there runs; and not before there is any state.
 */
export function keepCompiledCode(stateDir: string): void {
  if (enableCompileCache === undefined) return;
  const directory = path.join(stateDir, 'compiled');
  // Node writes the files when the process ends.
  const before = process.umask(0o077);
  try {
    if (!isOurs(stateDir)) return;
    mkdirSync(directory, { recursive: true });
    if (!isOurs(directory)) return;
    enableCompileCache(directory);
    process.on('exit', () => process.umask(0o077));
  } catch {
    // No state yet, or no room: it only takes longer.
  } finally {
    process.umask(before);
  }
}

function isOurs(directory: string): boolean {
  const stats = lstatSync(directory);
  return stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0;
}
