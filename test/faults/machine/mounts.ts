import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { describe } from 'vitest';

/** Mounts are Linux's, and root's. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

/** Tests that mount, or become another user. Elsewhere they are skipped, and the title says so; on CI they run and fail. */
export function describeAsRoot(title: string, body: () => void): void {
  if (canMount || process.env['CI'] === 'true') describe(title, body);
  else describe.skip(`${title} (skipped: only root can make its faults)`, body);
}

/** A small file system of its own on a directory, which a test fills up, closes for writing, and takes away again. */
export class Mount {
  readonly #directory: string;

  /** `options` are those of tmpfs: `size=256k`, `nr_inodes=40`, `noexec`. */
  constructor(directory: string, options: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', directory);
  }

  remount(options: string): void {
    run('mount', '-o', `remount,${options}`, this.#directory);
  }

  usedBytes(): number {
    const { bsize, blocks, bfree } = statfsSync(this.#directory);
    return (blocks - bfree) * bsize;
  }

  usedInodes(): number {
    const { files, ffree } = statfsSync(this.#directory);
    return files - ffree;
  }

  /** Whoever still has a file open in it keeps only that. */
  remove(): void {
    run('umount', '--lazy', this.#directory);
  }
}

/** A directory that can only be read from, by whomever. */
export class ReadOnly {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    run('mount', '--bind', directory, directory);
    run('mount', '-o', 'remount,bind,ro', directory);
  }

  remove(): void {
    run('umount', '--lazy', this.#directory);
  }
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
