import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SidecarError } from '../src/errors.js';
import type { Context } from './context.js';

/**
 * The variables that `--env-file` and then `-e` ask for: `NAME=VALUE`, or `NAME` alone for the one of here. A file holds one
 * a line, as it is, and comments after `#`. Throws `usage.invalid`, in which no value is shown.
 */
export function variablesFor(
  { env, directory }: Pick<Context, 'env' | 'directory'>,
  { envFile = [], env: given = [] }: { readonly envFile?: readonly string[]; readonly env?: readonly string[] },
): Record<string, string> {
  const lines = envFile.flatMap((file) => linesOf(path.resolve(directory, file)));
  const all = [...lines, ...given.map((text): Assignment => ({ text, place: {} }))];
  const variables = new Map<string, string>();
  for (const { text, place } of all) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? env[name] : text.slice(equals + 1);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalid(place, 'a variable is NAME=VALUE, or the NAME of one');
    if (value?.includes('\0') === true) throw invalid(place, `the value of ${name} holds a byte that no variable can`);
    if (value !== undefined) variables.set(name, value);
  }
  return Object.fromEntries(variables);
}

interface Assignment {
  readonly text: string;
  /** The line of a file that it stands on; empty for one of the command line. */
  readonly place: { readonly file?: string; readonly line?: number };
}

function linesOf(file: string): Assignment[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SidecarError('usage.invalid', { reason: `--env-file cannot be read: ${reason}`, file }, { cause });
  }
  return content
    .split(/\r?\n/)
    .map((text, index) => ({ text: text.trimStart(), place: { file, line: index + 1 } }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}

const invalid = (place: Assignment['place'], reason: string): SidecarError =>
  new SidecarError('usage.invalid', { reason: place.file === undefined ? `--env: ${reason}` : reason, ...place });
