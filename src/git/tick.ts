import { lstat, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Stamp } from './disk.js';

/**
 * File times tick: two writes within one tick leave the same time. Linux ticks every 1 to 10 ms; a file whose time is
 * older than this shows every further write, in milliseconds.
 */
export const tickMs = 20;

/** Some file systems know whole seconds only, or every other one. */
const coarseTickMs = 2_000;

/** What time it is for a file system: its clock may be another machine's. */
export interface DiskTime {
  readonly device: bigint;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
}

/** Finds out by writing a file into `directory`, which is private. */
export async function diskTime(directory: string): Promise<DiskTime> {
  const file = path.join(directory, 'sidecar-clock');
  await rm(file, { force: true });
  await writeFile(file, '', { mode: 0o600 });
  const { dev, mtimeNs } = await lstat(file, { bigint: true });
  return { device: dev, nowMs: Number(mtimeNs / 1_000_000n) };
}

/** Whether a stamp was so old at that time that every change since then shows in another one. */
export function isSettled({ changedMs }: Stamp, { nowMs }: DiskTime): boolean {
  const coarse = changedMs % 1000 === 0;
  return changedMs < nowMs - (coarse ? coarseTickMs : tickMs);
}
