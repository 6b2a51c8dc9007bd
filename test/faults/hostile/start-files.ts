import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FarSide } from '../../sync/far-side.js';

/** Login shells that read a start file when they are asked for a command, and its place below the home directory. */
export const shellsWithStartFiles = { bash: '.bashrc', fish: '.config/fish/config.fish', tcsh: '.tcshrc' } as const;

export type StartFileShell = keyof typeof shellsWithStartFiles;

/** Gives the far login a start file, in words that all these shells understand alike. */
export function writeStartFile(side: FarSide, shell: StartFileShell, text: string): Record<string, string> {
  const file = path.join(side.home, shellsWithStartFiles[shell]);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text + '\n');
  // sshd's bash reads its .bashrc by itself; the one of these tests is told to.
  return shell === 'bash' ? { BASH_ENV: file } : {};
}
