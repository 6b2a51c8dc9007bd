import { readFileSync } from 'node:fs';
import { shadowAttributes, shadowConfig } from '../git/shadow.js';

/**
 * The command that the login shell over there is asked for. It may be fish or csh: so one word for `sh`, and one text in
 * single quotes without backslash, newline, quote or exclamation mark, which every shell reads alike. The script follows
 * as the first line of stdin: `read` takes exactly that line and leaves the rest to whom it is meant for.
 */
export const remoteCommand = `sh -c 'IFS= read -r script && eval "$(printf %b "$script")"'`;

let cached: string | undefined;

/** The first line to send: remote.sh and what it is told, for `printf %b` to unfold. Comments and indentation stay here. */
export function remoteScriptLine(nonce: string): string {
  cached ??= encode(`shadow_config='${shadowConfig}'\nshadow_attributes='${shadowAttributes}'\n${readScript()}`);
  return `nonce=${nonce}\\n${cached}\n`;
}

function readScript(): string {
  const text = readFileSync(new URL('./remote.sh', import.meta.url), 'utf8');
  return text
    .split('\n')
    .map((line) => line.replace(/^ +/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

const encode = (script: string): string => script.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
