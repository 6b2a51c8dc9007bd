import { toText, unquote, type BytePath } from '../git/path-bytes.js';
import { isTreePath } from '../git/tree-path.js';
import type { Answer } from '../sync/answers.js';
import { badReply, unexpected } from '../sync/hello.js';
import { listLimit } from '../sync/limits.js';

/** What a tree has at a path. */
export interface Entry {
  readonly mode: string;
  readonly id: string;
}

/** How a path differs between two trees. */
export interface Change {
  readonly kind: keyof Paths;
  readonly path: BytePath;
  /** As git quotes it on a line. */
  readonly quoted: string;
  readonly before: Entry | null;
  readonly after: Entry | null;
}

/** Paths, as text, by what happened to them. */
export interface Paths {
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly deleted: readonly string[];
}

/** What a change takes in memory besides its path, about, in bytes. */
const changeBytes = 600;

/** The changes that the far side tells, up to a limit. */
export class Changes {
  readonly list: Change[] = [];
  #bytes = 0;

  /** `:MODE MODE OBJECT OBJECT LETTER<tab>PATH`, as git has it. Throws `sync.bad_reply` for anything else. */
  add(answer: Answer): void {
    const [, oldMode = '', newMode = '', oldId = '', newId = '', letter = '', quoted = ''] =
      /^:(\d{6}) (\d{6}) ([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([AMDT])\t(.+)$/s.exec(answer.rest) ??
      [];
    const [before, after] = [entry(oldMode, oldId), entry(newMode, newId)];
    const kind = kinds[letter];
    if (kind === undefined || (before === null) !== (kind === 'added') || (after === null) !== (kind === 'deleted')) {
      throw unexpected(answer);
    }
    this.#bytes += quoted.length + changeBytes;
    if (this.#bytes > listLimit) throw badReply('paths without end');
    const path = unquote(quoted);
    if (!isTreePath(path)) throw badReply('a path that no tree has');
    this.list.push({ kind, path, quoted, before, after });
  }
}

const kinds: Readonly<Record<string, keyof Paths>> = { A: 'added', M: 'modified', T: 'modified', D: 'deleted' };

/** Files, programs and links are all that travels. */
const modes = new Set(['100644', '100755', '120000']);

function entry(mode: string, id: string): Entry | null {
  if (mode === '000000') return null;
  if (!modes.has(mode)) throw badReply('a path that is no file');
  return { mode, id };
}

export function pathsOf(changes: readonly Change[]): Paths {
  const paths = { added: [] as string[], modified: [] as string[], deleted: [] as string[] };
  for (const { kind, path } of changes) paths[kind].push(toText(path));
  return paths;
}
