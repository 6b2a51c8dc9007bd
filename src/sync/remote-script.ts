import { readdirSync, readFileSync } from 'node:fs';
import { shadowAttributes, shadowConfig } from '../git/shadow.js';

/**
 * The command that the login shell over there is asked for. It may be fish or csh: so one word for `sh`, and one text in
 * single quotes without backslash, newline, quote or exclamation mark, which every shell reads alike. The script follows
 * as the first line of stdin: `read` takes exactly that line and leaves the rest to whom it is meant for.
 */
export const remoteCommand = `sh -c 'IFS= read -r script && eval "$(printf %b "$script")"'`;

let cached: string | undefined;

/** The first line to send: the script and what it is told, for `printf %b` to unfold. Comments and indentation stay here. */
export function remoteScriptLine(nonce: string): string {
  cached ??= encode(`shadow_config='${shadowConfig}'\nshadow_attributes='${shadowAttributes}'\n${readScript()}`);
  return `nonce=${nonce}\\n${cached}\n`;
}

/** The files of `remote/`, in the order of their names. */
function readScript(): string {
  const directory = new URL('./remote/', import.meta.url);
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sh'))
    .sort()
    .flatMap((name) => readFileSync(new URL(name, directory), 'utf8').split('\n'))
    .map((line) => line.replace(/^ +/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

const encode = (script: string): string => script.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
