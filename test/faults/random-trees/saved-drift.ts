import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { FarSide } from '../../sync/far-side.js';
import { blobId, modeOf, type Format } from './tree-id.js';
import type { Entries, Entry } from './tree.js';

/** The drift that the sidecar's shadow keeps, read as somebody would who wants it back. */
export class SavedDrift {
  readonly #gitDir: string;
  readonly #trees = new Map<string, Map<string, string>>();

  constructor(side: FarSide) {
    const workspaces = path.join(side.home, '.local/state/sidecar/workspaces');
    this.#gitDir = path.join(workspaces, readdirSync(workspaces)[0] ?? '');
  }

  /** The names of all that was saved. */
  ids(): string[] {
    return this.#git(['for-each-ref', '--format=%(refname)', 'refs/sidecar/drift'])
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((ref) => ref.slice('refs/sidecar/drift/'.length));
  }

  /** Which of these files cannot be restored, byte for byte and with their modes, from what is saved under `id`. */
  missing(id: string, wanted: Entries, format: Format): string[] {
    const lost = new Set<string>();
    const held = [...wanted].filter(([file, entry]) => {
      const is = this.#tree(id).get(file) === `${modeOf(entry)} ${blobId(entry, format)}`;
      if (!is) lost.add(file);
      return is;
    });
    if (held.length === 0) return [...lost];
    const ids = held.map(([, entry]) => blobId(entry, format) + '\n').join('');
    const answer = this.#git(['cat-file', '--batch'], ids);
    let at = 0;
    for (const [file, entry] of held) {
      const head = answer.indexOf('\n', at) + 1;
      if (!answer.subarray(head, head + entry.content.length).equals(entry.content)) lost.add(file);
      at = head + entry.content.length + 1;
    }
    return [...lost];
  }

  /** Whether one file can be restored from anything that was saved. */
  holds(file: string, entry: Entry, format: Format): boolean {
    return this.ids().some((id) => this.missing(id, new Map([[file, entry]]), format).length === 0);
  }

  #tree(id: string): Map<string, string> {
    const known = this.#trees.get(id);
    if (known !== undefined) return known;
    const rows = this.#git(['ls-tree', '-r', '-z', `refs/sidecar/drift/${id}`])
      .toString('latin1')
      .split('\0');
    const tree = new Map(
      rows.slice(0, -1).map((row) => {
        const [mode = '', , object = ''] = row.slice(0, row.indexOf('\t')).split(' ');
        return [row.slice(row.indexOf('\t') + 1), `${mode} ${object}`] as const;
      }),
    );
    this.#trees.set(id, tree);
    return tree;
  }

  #git(args: readonly string[], input = ''): Buffer {
    const options = { input, maxBuffer: 1 << 27, stdio: ['pipe', 'pipe', 'pipe'] as ('pipe' | 'ignore')[] };
    return execFileSync('git', [`--git-dir=${this.#gitDir}`, ...args], options);
  }
}
