import { readFileSync } from 'node:fs';

/**
 * The command that the login shell over there is asked for. It may be fish or csh: so one word for `sh`, and one text in
 * single quotes without backslash, newline, quote or exclamation mark, which every shell reads alike. The script follows
 * as the first line of stdin: `read` takes exactly that line and leaves the rest to whom it is meant for.
 */
export const remoteCommand = `sh -c 'IFS= read -r script && eval "$(printf %b "$script")"'`;

let cached: string | undefined;

/** The first line to send: remote.sh with its nonce, for `printf %b` to unfold. Comments and indentation stay here. */
export function remoteScriptLine(nonce: string): string {
  cached ??= readFileSync(new URL('./remote.sh', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.replace(/^ +/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n');
  return `nonce=${nonce}\\n${cached}\n`;
}
