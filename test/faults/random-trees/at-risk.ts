import type { SavedDrift } from './saved-drift.js';
import { blobId, modeOf, type Format } from './tree-id.js';
import type { Entries, Entry } from './tree.js';

/** Keeps the books of what stood in the workspace when a sync began and came from nobody here: none of it may be lost. */
export class AtRisk {
  readonly #fromHere = new Map<string, Entry[]>();
  readonly #atRisk = new Map<string, { readonly path: string; readonly entry: Entry }>();

  /** What the user has, and is about to send. */
  ours(entries: Entries): void {
    for (const [path, entry] of entries) this.#fromHere.set(path, [...(this.#fromHere.get(path) ?? []), entry]);
  }

  /** What stands in the workspace. */
  theirs(entries: Entries): void {
    for (const [path, entry] of entries) {
      if (!this.#isOurs(path, entry)) this.#atRisk.set(keyOf(path, entry), { path, entry });
    }
  }

  /** Whoever works over there may change what stands there, and what they change is theirs to lose. */
  changedThere(before: Entries, after: Entries): void {
    for (const [path, entry] of before) {
      const next = after.get(path);
      if (next === undefined || keyOf(path, next) !== keyOf(path, entry)) this.#atRisk.delete(keyOf(path, entry));
    }
  }

  /** What is neither in place nor to be restored. */
  lost(workspace: Entries, saved: SavedDrift, format: Format): string[] {
    return [...this.#atRisk].flatMap(([key, { path, entry }]) => {
      const stands = workspace.get(path);
      const isThere = stands !== undefined && keyOf(path, stands) === key;
      return isThere || saved.holds(path, entry, format) ? [] : [path];
    });
  }

  /** An interrupted landing may leave a file of ours in part. */
  #isOurs(path: string, { kind, content }: Entry): boolean {
    const known = this.#fromHere.get(path) ?? [];
    return known.some((one) =>
      kind === 'link' || one.kind === 'link'
        ? one.kind === kind && one.content.equals(content)
        : one.content.subarray(0, content.length).equals(content),
    );
  }
}

const keyOf = (path: string, entry: Entry): string => `${path}\0${modeOf(entry)} ${blobId(entry, 'sha1')}`;
