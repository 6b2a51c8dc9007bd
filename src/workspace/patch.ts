import { rm } from 'node:fs/promises';
import path from 'node:path';
import { joinNul, splitNul, toText } from '../git/path-bytes.js';
import { gitOutput, runGit, type GitPlace } from '../git/run.js';
import { badReply } from '../sync/hello.js';
import { pathsOf, type Change, type Entry, type Paths } from './changes.js';

/** How much of a file a change touches. */
export interface FileChange {
  /** Escaped for display. */
  readonly path: string;
  readonly kind: keyof Paths;
  /** In lines; null for a binary file. */
  readonly insertions: number | null;
  readonly deletions: number | null;
}

/** A difference, in git's own words. Every object that it is made of is here. */
export class Patch {
  readonly #place: GitPlace;
  readonly #trees: readonly [string, string];
  readonly #changes: readonly Change[];

  private constructor(place: GitPlace, trees: readonly [string, string], changes: readonly Change[]) {
    this.#place = place;
    this.#trees = trees;
    this.#changes = changes;
  }

  /** Of two trees that hold nothing but what differs. Throws `sync.bad_reply` where git takes no such paths. */
  static async of(place: GitPlace, directory: string, changes: readonly Change[]): Promise<Patch> {
    const before = await writeTree(place, sideIndex(directory, 'before'), changes, (change) => change.before);
    const after = await writeTree(place, sideIndex(directory, 'after'), changes, (change) => change.after);
    return new Patch(place, [before, after], changes);
  }

  get paths(): Paths {
    return pathsOf(this.#changes);
  }

  /** The patch, as `git apply` takes it, binary files included. Throws what git dies of, at the end. */
  text(): AsyncGenerator<Buffer, void> {
    return this.#diff('-p', '--binary', '--find-renames');
  }

  /** `git diff --stat`, as wide as the terminal. */
  stat({ columns, colour }: { readonly columns: number; readonly colour: boolean }): AsyncGenerator<Buffer, void> {
    const look = `--color=${colour ? 'always' : 'never'}`;
    return this.#diff(`--stat=${columns}`, '--find-renames', look);
  }

  async files(): Promise<FileChange[]> {
    const args = ['diff-tree', '-r', '-z', '--numstat', '--no-renames', ...this.#trees];
    const { stdout } = await runGit(this.#place, args);
    const kinds = new Map(this.#changes.map(({ path, kind }) => [path, kind]));
    return splitNul(stdout).map((record) => {
      const [insertions = '', deletions = ''] = record.split('\t', 2);
      const name = record.slice(insertions.length + deletions.length + 2);
      const lines = (count: string): number | null => (count === '-' ? null : Number(count));
      const kind = kinds.get(name) ?? 'modified';
      return { path: toText(name), kind, insertions: lines(insertions), deletions: lines(deletions) };
    });
  }

  #diff(...options: string[]): AsyncGenerator<Buffer, void> {
    const args = ['diff-tree', '-r', '--no-ext-diff', '--no-textconv', ...options, ...this.#trees];
    return gitOutput(this.#place, args);
  }
}

export type Side = 'before' | 'after';

/** Where the index is, and stays, that a side's tree was made of. */
export const sideIndex = (directory: string, side: Side): string => path.join(directory, side);

async function writeTree(
  place: GitPlace,
  index: string,
  changes: readonly Change[],
  side: (change: Change) => Entry | null,
): Promise<string> {
  const within = { ...place, env: { ...place.env, GIT_INDEX_FILE: index } };
  const files = changes.filter((change) => side(change) !== null);
  const lines = files.map((change) => `${side(change)?.mode ?? ''} ${side(change)?.id ?? ''}\t${change.path}`);
  await rm(index, { force: true }); // of an attempt that was cut off
  const added = await runGit(within, ['update-index', '-z', '--index-info'], {
    stdin: joinNul(lines),
    accept: [0, 1, 128],
  });
  // It passes over some that it does not take, and has a file replace the directory of that name.
  const taken = added.code === 0 ? splitNul((await runGit(within, ['ls-files', '-z'])).stdout).length : -1;
  if (taken !== lines.length) throw badReply('paths that git does not take');
  return (await runGit(within, ['write-tree'])).stdout.toString('latin1').trim();
}
