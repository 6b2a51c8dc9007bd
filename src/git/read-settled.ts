import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import { Disk, type Stamp } from './disk.js';
import { joinNul, toText, type BytePath } from './path-bytes.js';
import { runGit } from './run.js';
import type { Shadow } from './shadow.js';
import { tickMs } from './tick.js';
import { unreadable } from './unreadable.js';

/** How often a file that changes while it is read is read again; the pauses double from `tickMs` to half a second. */
const maxReadings = 9;
const maxPauseMs = 500;

/**
 * Reads files, with the stamps they had a moment ago, into the shadow's index, each of them whole: one that was written to
 * while git read it is read again. One that is gone by then goes out of the index, and then the answer is true.
 *
 * Throws `sync.changing` {paths} for files that never stand still, `sync.unreadable` and `git.failed`.
 */
export async function readSettled(
  shadow: Shadow,
  root: string,
  files: ReadonlyMap<BytePath, Stamp>,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  let vanished = false;
  let waiting = new Map<BytePath, string | undefined>([...files.keys()].map((path) => [path, undefined]));
  for (let reading = 1; waiting.size > 0; reading += 1) {
    const before = reading === 1 ? files : stampsOf(root, waiting.keys());
    const startedMs = Date.now();
    const failure = await readNow(shadow, [...waiting.keys()], reading > 1);
    const after = stampsOf(root, waiting.keys());
    const changed = [...waiting.keys()].filter((path) => before.get(path)?.id !== after.get(path)?.id);
    // git may fail because a file changed under its hands; then it has read none.
    if (failure !== undefined && changed.length === 0) throw failure;

    const unsettled = new Map<BytePath, string | undefined>(changed.map((path) => [path, undefined]));
    for (const [path, seen] of waiting) {
      const stamp = after.get(path);
      if (stamp === undefined) vanished = true;
      const mayHide = stamp !== undefined && stamp.id !== seen && stamp.changedMs >= startedMs - tickMs;
      if (mayHide || failure !== undefined) unsettled.set(path, stamp?.id);
    }
    if (unsettled.size > 0 && reading === maxReadings) throw changing(changed);
    waiting = unsettled;
    if (waiting.size > 0) await clock.sleep(Math.min(tickMs * 2 ** (reading - 1), maxPauseMs), signal);
  }
  return vanished;
}

function stampsOf(root: string, paths: Iterable<BytePath>): Map<BytePath, Stamp | undefined> {
  const disk = new Disk(root);
  return new Map([...paths].map((path) => [path, disk.stampOf(path)]));
}

/** Has git read all of them, or none: then returns why. */
async function readNow(shadow: Shadow, paths: readonly BytePath[], again: boolean): Promise<Error | undefined> {
  const stdin = joinNul(paths);
  const add = ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'];
  try {
    // git compares times by the second: it would take a file of the same size, changed in the same second, for read.
    if (again) await runGit(shadow.place, ['update-index', '-z', '--force-remove', '--stdin'], { stdin });
    await runGit(shadow.place, add, { stdin });
    return undefined;
  } catch (error) {
    shadow.place.signal?.throwIfAborted();
    // A file that was cut short ends git with a signal, and its lock stays.
    await rm(path.join(shadow.gitDir, 'index.lock'), { force: true });
    return couldNotOpen(error, shadow.place.cwd) ?? (error as Error);
  }
}

/** git names the file that it could not open: `error: open("x"): Permission denied`. */
function couldNotOpen(error: unknown, root: string): SidecarError | undefined {
  if (!(error instanceof SidecarError) || error.code !== 'git.failed') return undefined;
  const match = /(?:open|readlink|short read)[ (]*"(.*)"\)?: ([^;]*)/.exec(String(error.facts['reason']));
  if (match === null) return undefined;
  return unreadable(root, match[1] ?? '', match[2] ?? '', error);
}

function changing(paths: readonly BytePath[]): SidecarError {
  return new SidecarError('sync.changing', { paths: paths.map(toText) }, { retryable: false });
}
