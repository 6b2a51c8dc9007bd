import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { manifest } from '../fakes/git-repo.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const mebibyte = 1024 * 1024;

/** A file that no compression makes smaller. */
function writeNoise(file: string, sizeMiB: number): void {
  const block = Buffer.alloc(mebibyte);
  const target = openSync(file, 'w');
  for (let written = 0; written < sizeMiB; written++) writeSync(target, randomFillSync(block));
  closeSync(target);
}

/** Watches the anonymous memory of every process that works under `place`: both sides of a local sidecar do. */
class MemoryWatch {
  readonly peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(place: string) {
    this.#timer = setInterval(() => this.#look(place), 50);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(place: string): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(place)) continue;
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 120);
        const kilobytes = Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
        this.peaks.set(command, Math.max(this.peaks.get(command) ?? 0, kilobytes / 1024));
      } catch {
        // It ended meanwhile.
      }
    }
  }
}

describe('a file of 400 MB that cannot be compressed', () => {
  it(
    'lands while no process on either side holds more than 250 MB of memory of its own',
    { timeout: 900_000 },
    async () => {
      writeNoise(path.join(user.project.root, 'blob.bin'), 400);
      // Large, and small enough to be compared for a delta.
      writeNoise(path.join(user.project.root, 'middle.bin'), 31);
      await user.type('create', 'web');
      const watch = new MemoryWatch(path.dirname(user.home));
      try {
        const first = await user.type('sync', '--json');
        expect(first.code).toBe(0);
        const { workspace } = JSON.parse(first.stdout) as SyncResult;
        const files = ['blob.bin', 'middle.bin'];
        expect(manifest(workspace, files)).toEqual(manifest(user.project.root, files));

        const target = openSync(path.join(user.project.root, 'middle.bin'), 'r+');
        writeSync(target, 'edited', 1000);
        closeSync(target);
        const second = JSON.parse((await user.type('sync', '--json')).stdout) as SyncResult;
        expect(second.sentBytes).toBeLessThan(100_000);
        expect(manifest(workspace, files)).toEqual(manifest(user.project.root, files));
      } finally {
        watch.stop();
      }
      const commands = [...watch.peaks.keys()].join('\n');
      for (const needed of ['sidecar.js', 'local-server', 'pack-objects', 'index-pack', 'update-index'])
        expect(commands).toContain(needed);
      const heavy = [...watch.peaks].filter(([, megabytes]) => megabytes > 250);
      expect(heavy).toEqual([]);
    },
  );
});
