import { lstatSync, type BigIntStats } from 'node:fs';
import type { SkipReason } from '../events.js';
import { placeOf } from './directory.js';
import { toText, type BytePath } from './path-bytes.js';
import { unreadable } from './unreadable.js';

/** A file as it was at one moment: every write to it, and every other file in its place, has another stamp. */
export interface Stamp {
  readonly id: string;
  readonly device: bigint;
  /** When it was last changed in any way, in milliseconds since 1970. */
  readonly changedMs: number;
}

export function stampFrom(stats: BigIntStats): Stamp {
  const { dev, ino, mode, size, mtimeNs, ctimeNs } = stats;
  return { id: `${dev},${ino},${mode},${size},${mtimeNs},${ctimeNs}`, device: dev, changedMs: Number(ctimeNs) / 1e6 };
}

/** What is at a path that no file of a tree is at. */
export type Unindexed = 'repository' | 'absent' | SkipReason;

/** Looks at files without following links: not in the last part of a path, and not on the way to it. */
export class Disk {
  readonly #root: string;
  readonly #directories = new Map<BytePath, boolean>([['', true]]);

  constructor(root: string) {
    this.#root = root;
  }

  /** Undefined for a path that is not there. */
  stampOf(path: BytePath): Stamp | undefined {
    const stats = this.#lstat(path);
    if (stats === undefined) return undefined;
    return stampFrom(stats);
  }

  kindOf(path: BytePath): 'file' | Unindexed {
    return this.see(path).kind;
  }

  /** What is at a path, and a file's stamp. */
  see(path: BytePath): { readonly kind: 'file'; readonly stamp: Stamp } | { readonly kind: Unindexed } {
    if (/(^|\/)\.git(\/|$)/i.test(path)) return { kind: 'git-directory' };
    if (!this.#isDirectory(parent(path))) return { kind: 'absent' };
    const stats = this.#lstat(path);
    if (stats?.isDirectory() === true && this.#lstat(path + '/.git') !== undefined) return { kind: 'repository' };
    if (stats === undefined || stats.isDirectory()) return { kind: 'absent' };
    // git refuses a link of this name, for it would follow it.
    if (stats.isSymbolicLink() && /(^|\/)\.gitmodules$/i.test(path)) return { kind: 'gitmodules-link' };
    if (stats.isFile() || stats.isSymbolicLink()) return { kind: 'file', stamp: stampFrom(stats) };
    return { kind: specialKind(stats) };
  }

  #isDirectory(directory: BytePath): boolean {
    let known = this.#directories.get(directory);
    if (known === undefined) {
      known = this.#isDirectory(parent(directory)) && this.#lstat(directory)?.isDirectory() === true;
      this.#directories.set(directory, known);
    }
    return known;
  }

  #lstat(path: BytePath): BigIntStats | undefined {
    return statsAt(this.#root, path);
  }
}

/** What is at a path, itself and no link's end; undefined where nothing is. Throws `sync.unreadable`. */
export function statsAt(root: string, path: BytePath): BigIntStats | undefined {
  try {
    return lstatSync(placeOf(root, path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw unreadable(root, toText(path), (error as Error).message, error);
  }
}

/** Whether nothing is at a path that could not be looked at: it leads through a file, say, or by links to itself. */
export const leadsNowhere = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '');

const parent = (path: BytePath): BytePath => path.slice(0, Math.max(0, path.lastIndexOf('/')));

function specialKind(stats: Pick<BigIntStats, 'isFIFO' | 'isSocket'>): SkipReason {
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}
