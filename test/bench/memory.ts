import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Looks are this far apart. Each takes some tenths of a millisecond. */
const intervalMs = 20;

/** Linux: a process that was forked and has not yet become another program. Its pages are its parent's. */
const forkedOnly = 0x40;

/** What is read of `/proc/<pid>/stat`. */
export interface Stat {
  readonly flags: number;
  readonly residentPages: number;
}

/**
 * Watches the resident memory of processes and of all that they start, added up, by looking at `/proc` at intervals.
 * The kernel's own peak (`ru_maxrss`, as `/usr/bin/time` prints it) is that of the largest single process, and leaves
 * out those that were running before; this sees all of them together, but not a peak that falls between two looks. What
 * processes share is counted once for each of them.
 */
export class MemoryWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Kept once found: one whose parent ends first is still of the family. */
  readonly #pids: Set<number>;
  #peakPages = 0;

  constructor(pids: readonly number[]) {
    this.#pids = new Set(pids);
    this.#timer = setInterval(() => this.#look(), intervalMs);
  }

  add(pid: number): void {
    this.#pids.add(pid);
  }

  /** Undefined where there is no such `/proc`, or nothing was there when it looked. */
  get peakBytes(): number | undefined {
    return this.#peakPages === 0 ? undefined : this.#peakPages * pageBytes();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    let pages = 0;
    // What is added to a set while it is gone through is gone through as well.
    for (const pid of this.#pids) {
      try {
        const { flags, residentPages } = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
        if ((flags & forkedOnly) === 0) pages += residentPages;
        // Children of other threads than the first are missed: no program here has any.
        for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')) {
          if (child !== '') this.#pids.add(Number(child));
        }
      } catch {
        this.#pids.delete(pid);
      }
    }
    this.#peakPages = Math.max(this.#peakPages, pages);
  }
}

/** The name, in parentheses, may hold anything; the fields after it are numbers (proc(5)). */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { flags: Number(fields[6]), residentPages: Number(fields[21]) };
}

let knownPageBytes: number | undefined;

function pageBytes(): number {
  knownPageBytes ??= Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  return knownPageBytes;
}
