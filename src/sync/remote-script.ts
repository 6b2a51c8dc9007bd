import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { shadowAttributes, shadowConfig } from '../git/shadow.js';
import { packageRoot } from '../package.js';
import { shellWord } from '../transport/shell-word.js';

/** What `sh` says, on stderr, where the script did not arrive whole. */
const mangled = 'a start file of the login shell took what was meant for sidecar';

/** How long the login shell may take until the script says its first word, in milliseconds. Its start files run before. */
export const firstWordMs = 120_000;
/** Why it did not. */
export const silent =
  'the login shell over there does not come to the point: one of its start files may be waiting for something';

/**
 * The command that the login shell over there is asked for. It may be fish or csh: so one word for `sh`, and one text in
 * single quotes without backslash, newline, quote or exclamation mark, which every shell reads alike. The script follows
 * as the first line of stdin: `read` takes exactly that line and leaves the rest to whom it is meant for.
 *
 * The line begins with the length of the script. A start file that reads stdin may have taken some of it, or all of it:
 * then neither the rest, nor the request that follows, must run as one.
 */
const readAndRun =
  'IFS= read -r script && size=${script%% *} && script=${script#* } && ' +
  `if [ "\${#script}" = "$size" ]; then eval "$(printf %b "$script")"; else echo "${mangled}" >&2; fi`;

export const remoteCommand = `sh -c '${readAndRun}'`;

/**
 * The same on a terminal, which would show the script and take a part of it for itself. So it is made raw, with its modes
 * kept in $modes, and says `NONCE raw` when the script may come; or `NONCE no-stty`, and that is all.
 */
export function remoteCommandOnTerminal(nonce: string): string {
  const makeRaw = `{ modes=$(stty -g) && stty raw -echo; } 2>/dev/null`;
  return `sh -c '${makeRaw} || { echo ${nonce} no-stty; exit 1; }; echo ${nonce} raw; ${readAndRun}'`;
}

/**
 * What a conversation is about: landing a tree, all else that can be asked of a workspace and done in it, runs that live on
 * without a connection, or whether any of this could be done at all.
 */
export type Subject = 'sync' | 'workspace' | 'runs' | 'doctor';

const cached = new Map<Subject, string>();

/** The first line to send: the script and what it is told, for `printf %b` to unfold. Comments and indentation stay here. */
export function remoteScriptLine(nonce: string, subject: Subject = 'sync'): string {
  const text = cached.get(subject) ?? encode(readSubject(subject));
  cached.set(subject, text);
  const script = `nonce=${nonce}\\n${text}`;
  return `${script.length} ${script}\n`;
}

function readSubject(subject: Subject): string {
  const everywhere = readScripts('everywhere');
  if (subject !== 'runs') return `${settings}${everywhere}${readScripts('.')}${readScripts(subject)}`;
  // A shell of its own runs each of these.
  const texts = {
    supervisor: `${readScript('everywhere/2-process.sh')}${readScript('run/supervisor.sh')}`,
    lead: `${readScript('everywhere/2-process.sh')}${readScript('run/lead.sh')}`,
    interrupter: readScript('run/interrupt.sh'),
  };
  const set = Object.entries(texts).map(([name, text]) => `${name}=${shellWord(text)}\n`);
  return `${set.join('')}${everywhere}${readScripts(subject)}`;
}

const settings = `shadow_config='${shadowConfig}'\nshadow_attributes='${shadowAttributes}'\n`;

/**
 * Any script as the first line to send. It travels in ASCII, whatever bytes it holds: shells disagree about what the
 * length of another text is.
 */
export function scriptLine(script: string): string {
  const line = folded(script);
  return `${line.length} ${line}\n`;
}

/** Any text as one line of ASCII, for `printf %b` to unfold. */
export function folded(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), unfoldable).join('');
}

/** One byte as `printf %b` reads it. */
function unfoldable(byte: number): string {
  const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
  return plain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`;
}

const remoteDirectory = path.join(packageRoot, 'src/sync/remote');

/** The files of a directory of `remote/`, in the order of their names. */
function readScripts(name: string): string {
  return readdirSync(path.join(remoteDirectory, name))
    .filter((file) => file.endsWith('.sh'))
    .sort()
    .map((file) => readScript(path.join(name, file)))
    .join('');
}

function readScript(file: string): string {
  return readFileSync(path.join(remoteDirectory, file), 'utf8')
    .split('\n')
    .map((line) => line.replace(/^ +/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => `${line}\n`)
    .join('');
}

const encode = (script: string): string => script.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
