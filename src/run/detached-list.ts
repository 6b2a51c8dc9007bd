import { SidecarError } from '../errors.js';
import type { Answer } from '../sync/answers.js';
import { listLimit } from '../sync/limits.js';
import type { Talk } from './talk.js';

/** How a run stands. Of one that is lost nobody knows how it ended: its machine was started again, or its supervisor killed. */
export type RunState =
  | { readonly state: 'running' }
  /** The exit code, 128+n for signal n. */
  | { readonly state: 'exited'; readonly code: number }
  | { readonly state: 'lost' };

/** A run that lives on without a connection. */
export type DetachedRun = RunState & {
  readonly id: string;
  /** When it began, by the clock over there (ISO 8601). */
  readonly startedAt: string;
  /** Word for word; one that is very long ends in `…`. */
  readonly command: readonly string[];
};

export interface DetachedRunList {
  readonly sidecar: string;
  /** The absolute path of the workspace on the sidecar. */
  readonly workspace: string;
  /** The latest first. */
  readonly runs: readonly DetachedRun[];
}

/** What a run of this form takes in memory besides its command, about, in bytes. */
const runBytes = 400;

/** The runs in the workspace, the latest first. Throws `run.remote_failed` and `ssh.connection_lost`. */
export async function listRuns(talk: Talk): Promise<DetachedRun[]> {
  talk.ask('list');
  const runs: { readonly run: DetachedRun; readonly order: number }[] = [];
  let bytes = 0;
  for (;;) {
    const answer = await talk.answer();
    if (answer.word === 'end') break;
    const one = answer.word === 'run' ? runIn(answer.rest) : undefined;
    if (one === undefined) throw nonsense(answer);
    runs.push(one);
    bytes += runBytes + answer.rest.length;
    if (bytes > listLimit) throw new SidecarError('run.remote_failed', { reason: 'it lists runs without end' });
  }
  return runs.sort((one, other) => other.order - one.order).map(({ run }) => run);
}

/** As the sidecar writes a time: `date -u +%Y-%m-%dT%H:%M:%SZ`. */
export const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** `ID ORDER TIME STATE CODE COMMAND`. */
function runIn(text: string): { readonly run: DetachedRun; readonly order: number } | undefined {
  const found = /^([0-9a-f]{8}) (\d{1,15}) (\S+) (\w+ \S+) (.*)$/.exec(text);
  if (found === null) return undefined;
  const [, id = '', order = '', startedAt = '', how = '', shown = ''] = found;
  const state = stateIn(how);
  const command = wordsIn(shown);
  if (state === undefined || command === undefined || !timePattern.test(startedAt)) return undefined;
  return { run: { id, ...state, startedAt, command }, order: Number(order) };
}

/** `running -`, `lost -`, `exited 7`. */
export function stateIn(text: string): RunState | undefined {
  const [word, code = ''] = text.split(' ');
  if (word === 'running' || word === 'lost') return { state: word };
  return word === 'exited' && /^\d{1,3}$/.test(code) ? { state: 'exited', code: Number(code) } : undefined;
}

export const nonsense = ({ word }: Answer): SidecarError =>
  new SidecarError('run.remote_failed', { reason: `it answered in a way that makes no sense: ${word.slice(0, 40)}` });

/** What is kept of a command over there, for people to know it by, in bytes: a part of an answer, however it is written. */
const shownLimit = 8_192;

/** A command as one line of ASCII that JSON reads. */
export function shownCommand(command: readonly string[]): string {
  const words: string[] = [];
  let left = shownLimit;
  for (const word of command) {
    const written = asciiJson(word);
    left -= written.length + 1; // and a comma
    if (left >= 0) words.push(written);
    else {
      words.push(asciiJson(`${cut(word, left + written.length)}…`));
      break;
    }
  }
  if (words.length < command.length) words.push(asciiJson('…'));
  return `[${words.join(',')}]`;
}

/** As much of the beginning of a word as takes so many bytes at most when it is written. */
function cut(word: string, bytes: number): string {
  let [end, left] = [0, bytes - 2]; // its quotes
  while (end < word.length && (left -= asciiJson(word.charAt(end)).length - 2) >= 0) end += 1;
  return word.slice(0, end);
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function wordsIn(json: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(json);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** The run that is meant: the latest, or the one whose id begins so. Throws `run.unknown` where that is none, or several. */
export function chooseRun(runs: readonly DetachedRun[], wanted: string | undefined, workspace: string): DetachedRun {
  const meant =
    wanted === undefined ? runs.slice(0, 1) : runs.filter(({ id }) => wanted !== '' && id.startsWith(wanted));
  const [one] = meant;
  if (one !== undefined && meant.length === 1) return one;
  const known = (meant.length > 1 ? meant : runs).map(({ id }) => id);
  const facts = { workspace, known, matches: meant.length };
  throw new SidecarError('run.unknown', wanted === undefined ? facts : { ...facts, id: wanted });
}
